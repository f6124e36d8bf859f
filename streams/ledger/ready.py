"""Which commands may go: the one place that sets `ready_since`.

A pending command is ready when its organisation is known, no question about it is open, everything that it builds on
has its document in Xero or will never have one, and no earlier command of its lane is unfinished. A lane is an entity
within one organisation, so that an organisation that is stopped delays no other. What builds on a command stands behind
it in the lane, even if it came before it: a payment's reversal may be told first.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, exists, literal_column, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from streams.ledger import bulk, restored, tables
from streams.ledger.among import KEYS, among
from streams.ledger.rows import chunks

_commands: Final = tables.commands
_questions: Final = tables.questions
_head: Final = tables.commands.alias("head")
UNFINISHED: Final = ("pending", "sent", "rejected")
ENDED: Final = ("posted", "same", "discarded")
# Written out, because a database sees that it may use a partial index only where it sees the value. Elsewhere the
# state is a bound value, so that commands are found by their key, and not by walking through all pending ones.
PENDING: Final[ColumnElement[bool]] = _commands.c.state == literal_column("'pending'")


def may_go() -> ColumnElement[bool]:
    """The condition on a row of `commands`."""
    return and_(
        _commands.c.state == "pending",
        _commands.c.tenant.is_not(None),
        ~_asked(_commands.c.command_id),
        ~_dependency_missing(),
        ~_lane_taken(),
    )


def _asked(command_id: ColumnElement[str]) -> ColumnElement[bool]:
    return exists().where(_questions.c.command_id == command_id, _questions.c.state == "open")


def _dependency_missing() -> ColumnElement[bool]:
    dependencies, effects = tables.dependencies, tables.effects
    return (
        select(dependencies.c.effect_key)
        .outerjoin(effects, effects.c.effect_key == dependencies.c.effect_key)
        .where(
            dependencies.c.command_id == _commands.c.command_id,
            effects.c.xero_id.is_(None),
            ~_never_comes(effects.c.current_command),
        )
        .correlate(_commands)
        .exists()
    )


def _never_comes(current: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether an effect without a document gets none any more: planning then says what that means for its followers."""
    ended = tables.commands.alias("ended")
    return (
        select(ended.c.command_id)
        .where(ended.c.command_id == current, ended.c.state.in_(ENDED))
        .correlate_except(ended)
        .exists()
    )


def _lane_taken() -> ColumnElement[bool]:
    return (
        select(_head.c.command_id)
        .where(
            _head.c.entity_key == _commands.c.entity_key,
            _head.c.position < _commands.c.position,
            ~builds_on(_head.c.command_id, _commands.c.effect_key),
            or_(_head.c.tenant.is_(None), _head.c.tenant == _commands.c.tenant),
            or_(_head.c.state.in_(UNFINISHED), _asked(_head.c.command_id)),
        )
        .correlate(_commands)
        .exists()
    )


def builds_on(command_id: ColumnElement[str], effect_key: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a command builds on an effect: however early it came, it cannot be before what makes that effect."""
    building = tables.dependencies.alias("building")
    return (
        select(building.c.effect_key)
        .where(building.c.command_id == command_id, building.c.effect_key == effect_key)
        .correlate_except(building)
        .exists()
    )


async def promote(connection: AsyncConnection, now: datetime, entities: Iterable[str], effects: Iterable[str]) -> int:
    """Set free what waited in the lanes of these entities or for these effects; how many commands that was."""
    found = 0
    for keys in chunks(entities):
        await _hold_lanes(connection, keys)
        found += await _set_free(connection, now, _FREE_IN_LANES, keys)
    for keys in chunks(effects):
        found += await _set_free(connection, now, _FREE_FOLLOWERS, keys)
    return found


async def _hold_lanes(connection: AsyncConnection, entities: list[str]) -> None:
    """Let no other transaction end the head of a lane that we look at, or look at it while we end it."""
    if connection.dialect.name == "postgresql":
        unfinished = select(_commands.c.position).where(
            among(_commands.c.entity_key, entities), _commands.c.state.in_(UNFINISHED)
        )
        await connection.execute(unfinished.order_by(_commands.c.position).with_for_update(key_share=True))


async def sweep(connection: AsyncConnection, now: datetime) -> int:
    """Look at every pending command anew. How many were wrong: more than 0 means that a promotion was missed."""
    freed = await _set_free(connection, now, _FREE_ANYWHERE)
    wrong = and_(PENDING, _commands.c.ready_since.is_not(None), ~may_go())
    ids = [row[0] for row in await connection.execute(select(_commands.c.command_id).where(wrong))]
    for some in chunks(ids):
        held = update(_commands).where(_commands.c.command_id.in_(some))
        await connection.execute(held.values(ready_since=None, due_at=None))
    return freed + len(ids)


def _free(where: ColumnElement[bool]) -> Select[Any]:
    """The commands there that may go and were not known to."""
    return (
        select(_commands.c.command_id, _commands.c.priority_s)
        .where(where, _commands.c.ready_since.is_(None), may_go())
        .order_by(_commands.c.position)
        .with_for_update(of=_commands, key_share=True)
    )


# Put together once: that takes longer than a look at a few lanes.
_FREE_IN_LANES: Final = _free(among(_commands.c.entity_key, KEYS))
_FREE_FOLLOWERS: Final = _free(
    _commands.c.command_id.in_(
        select(tables.dependencies.c.command_id).where(among(tables.dependencies.c.effect_key, KEYS))
    )
)
_FREE_ANYWHERE: Final = _free(PENDING)


async def _set_free(
    connection: AsyncConnection, now: datetime, free: Select[Any], keys: list[str] | None = None
) -> int:
    rows = [
        {"command_id": command, "ready_since": now, "due_at": now + timedelta(seconds=priority)}
        for command, priority in await connection.execute(free, {} if keys is None else {"keys": keys})
    ]
    await bulk.update_by(connection, _commands, "command_id", rows)
    await restored.look_first(connection, now, [row["command_id"] for row in rows])
    return len(rows)
