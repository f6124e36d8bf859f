"""What commands take over from those that they build on, and give to them: the organisation, and the urgency."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from streams.ledger import bulk, tables
from streams.ledger.among import among
from streams.ledger.rows import chunks

_commands: Final = tables.commands
_effects: Final = tables.effects
_dependencies: Final = tables.dependencies


async def tenants(connection: AsyncConnection, effect_keys: Iterable[str]) -> None:
    """Give the tenants of these effects to what builds on them and is not sent yet, and on to what builds on that."""
    frontier = set(effect_keys)
    while frontier:
        found = await _without_tenant(connection, frontier)
        await bulk.update_by(
            connection,
            _commands,
            "command_id",
            [{"command_id": command, "tenant": tenant} for command, _, tenant in found],
        )
        owned = dict((effect, tenant) for _, effect, tenant in found)
        rows = [{"effect_key": effect, "tenant": tenant} for effect, tenant in owned.items()]
        await bulk.update_by(connection, _effects, "effect_key", rows)
        frontier = set(owned)


async def _without_tenant(connection: AsyncConnection, effect_keys: set[str]) -> list[tuple[str, str, str]]:
    """Commands (with their effect and the tenant to take) that build on these effects and disagree with them."""
    own, built_on = _effects.alias("own"), _effects.alias("built_on")
    found: list[tuple[str, str, str]] = []
    for keys in chunks(effect_keys):
        statement = (
            select(_commands.c.command_id, _commands.c.effect_key, built_on.c.tenant, own.c.xero_id)
            .join(_dependencies, _dependencies.c.command_id == _commands.c.command_id)
            .join(built_on, built_on.c.effect_key == _dependencies.c.effect_key)
            .join(own, own.c.effect_key == _commands.c.effect_key)
            .where(
                among(built_on.c.effect_key, keys),
                built_on.c.tenant.is_not(None),
                _commands.c.state.in_(("pending", "rejected")),
                or_(
                    _commands.c.tenant.is_(None),
                    # A routed guess gives way until the first of its dependencies has been asked.
                    and_(
                        _commands.c.tenant != built_on.c.tenant,
                        _commands.c.ready_since.is_(None),
                        _dependencies.c.position == 0,
                    ),
                ),
            )
        )
        # Asked for in the statement, PostgreSQL would begin with all effects that have no document yet.
        for command, effect, tenant, xero_id in await connection.execute(statement):
            if xero_id is None:
                found.append((command, effect, tenant))
    return found


async def priorities(connection: AsyncConnection, effect_keys: Iterable[str]) -> None:
    """Let what others build on be as urgent as the most urgent of them."""
    frontier = set(effect_keys)
    while frontier:
        hurried = await _too_slow(connection, frontier)
        rows = [{"command_id": command, "priority_s": priority} for command, priority in hurried]
        await bulk.update_by(connection, _commands, "command_id", rows)
        frontier = await _dependencies_of(connection, [command for command, _ in hurried])


async def _too_slow(connection: AsyncConnection, effect_keys: set[str]) -> list[tuple[str, int]]:
    follower = _commands.alias("follower")
    found: list[tuple[str, int]] = []
    for keys in chunks(effect_keys):
        urgent = func.min(follower.c.priority_s)
        statement = (
            select(_commands.c.command_id, urgent)
            .join(_effects, _effects.c.current_command == _commands.c.command_id)
            .join(_dependencies, _dependencies.c.effect_key == _effects.c.effect_key)
            .join(follower, follower.c.command_id == _dependencies.c.command_id)
            .where(
                among(_effects.c.effect_key, keys),
                _commands.c.state == "pending",
                _commands.c.ready_since.is_(None),
                follower.c.state == "pending",
                follower.c.priority_s < _commands.c.priority_s,
            )
            .group_by(_commands.c.command_id)
        )
        found += [(row[0], row[1]) for row in await connection.execute(statement)]
    return found


async def _dependencies_of(connection: AsyncConnection, command_ids: list[str]) -> set[str]:
    found: set[str] = set()
    for ids in chunks(command_ids):
        statement = select(_dependencies.c.effect_key).where(among(_dependencies.c.command_id, ids))
        found |= {row[0] for row in await connection.execute(statement)}
    return found
