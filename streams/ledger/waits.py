"""Why each pending command waits: the facts from the tables, the judgement from `streams.core.waiting`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from streams.core import pace
from streams.core.situation import Budget
from streams.core.waiting import DependencyFact, WaitFacts, Waiting, at_the_root, why
from streams.ledger import budget, tables
from streams.ledger.ready import UNFINISHED, builds_on
from streams.ledger.rows import chunks

_commands: Final = tables.commands
_effects: Final = tables.effects
_dependencies: Final = tables.dependencies
_questions: Final = tables.questions
_stops: Final = tables.stops
# A refund builds on a credit note, that on a payment, that on an invoice, that on a contact; lanes lie between them.
_DEPTH_MAX: Final = 10


async def of_commands(
    connection: AsyncConnection, rows: Sequence[Mapping[str, Any]], now: datetime
) -> dict[str, Waiting]:
    """Why each of these pending commands (rows of `commands`) is not sent at this moment, down to the root of it."""
    found = await _one_by_one(connection, rows, now)
    others, frontier = dict(found), found
    for _ in range(_DEPTH_MAX):
        behind = {one.behind for one in frontier.values() if one.behind is not None} - others.keys()
        rows_behind = await _pending(connection, behind)
        if not rows_behind:
            break
        frontier = await _one_by_one(connection, rows_behind, now)
        others |= frontier
    return {command_id: at_the_root(waiting, others) for command_id, waiting in found.items()}


async def stranded_by(connection: AsyncConnection, command_id: str, now: datetime) -> dict[str, Waiting]:
    """Every pending command that cannot go before this one, be it what builds on it or what is behind it in its lane,
    and what builds on those; with the reason that it shows."""
    found: dict[str, Mapping[str, Any]] = {}
    frontier = [command_id]
    for _ in range(_DEPTH_MAX):
        rows = [row for row in await _next_behind(connection, frontier) if row["command_id"] not in found]
        if not rows:
            break
        found |= {row["command_id"]: row for row in rows}
        frontier = [row["command_id"] for row in rows]
    return await of_commands(connection, list(found.values()), now)


async def _next_behind(connection: AsyncConnection, command_ids: Sequence[str]) -> list[dict[str, Any]]:
    head = _commands.alias("head")
    found: list[dict[str, Any]] = []
    for ids in chunks(command_ids):
        builds_on_it = exists().where(
            _dependencies.c.command_id == _commands.c.command_id,
            _dependencies.c.effect_key == head.c.effect_key,
        )
        is_behind = and_(_commands.c.entity_key == head.c.entity_key, _commands.c.position > head.c.position)
        statement = (
            select(_commands)
            .distinct()
            .join(head, head.c.command_id.in_(ids))
            .where(_commands.c.state == "pending", or_(builds_on_it, is_behind))
            .order_by(_commands.c.position)
        )
        found += [dict(row) for row in (await connection.execute(statement)).mappings()]
    return found


async def _pending(connection: AsyncConnection, command_ids: Iterable[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for ids in chunks(command_ids):
        statement = select(_commands).where(_commands.c.command_id.in_(ids), _commands.c.state == "pending")
        found += [dict(row) for row in (await connection.execute(statement)).mappings()]
    return found


async def _one_by_one(
    connection: AsyncConnection, rows: Sequence[Mapping[str, Any]], now: datetime
) -> dict[str, Waiting]:
    """Why each of them waits, as far as its next one."""
    ids = [row["command_id"] for row in rows]
    dependencies = await _dependency_facts(connection, ids)
    heads = await _heads(connection, ids)
    questions = await _open_questions(connection, [*ids, *(head[0] for head in heads.values())])
    stops = [dict(row) for row in (await connection.execute(select(_stops))).mappings()]
    tenants = {row["tenant"] for row in rows if row["tenant"] is not None}
    calls_at = await _next_calls(connection, tenants, now)
    budgets = {tenant: await budget.read(connection, tenant, now) for tenant in tenants}
    found = {}
    for row in rows:
        head, head_state = heads.get(row["command_id"], (None, None))
        facts = WaitFacts(
            tenant=row["tenant"],
            since=row["created_at"],
            question=questions.get(row["command_id"]),
            dependencies=dependencies.get(row["command_id"], ()),
            head=head,
            head_state=head_state,
            head_question=questions.get(head) if head is not None else None,
            stop=_stop(stops, row),
            not_before=row["not_before"],
            cause_text=row["reason"],
            budget=calls_at.get(row["tenant"]),
            filling=_filling(budgets.get(row["tenant"]), row, now),
        )
        found[row["command_id"]] = why(facts, now)
    return found


async def _dependency_facts(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, list[DependencyFact]]:
    current = _commands.alias("current")
    found: dict[str, list[DependencyFact]] = {}
    for some in chunks(ids):
        statement = (
            select(
                _dependencies.c.command_id,
                _dependencies.c.effect_key,
                _effects.c.xero_id,
                current.c.state,
                current.c.command_id,
            )
            .outerjoin(_effects, _effects.c.effect_key == _dependencies.c.effect_key)
            .outerjoin(current, current.c.command_id == _effects.c.current_command)
            .where(_dependencies.c.command_id.in_(some))
            .order_by(_dependencies.c.position)
        )
        for command, effect, xero_id, state, current_id in await connection.execute(statement):
            fact = DependencyFact(effect_key=effect, linked=xero_id is not None, state=state, command=current_id)
            found.setdefault(command, []).append(fact)
    return found


async def _heads(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, tuple[str, Any]]:
    """The earliest unfinished command before each of these in its lane."""
    head = _commands.alias("head")
    asked = exists().where(_questions.c.command_id == head.c.command_id, _questions.c.state == "open")
    found: dict[str, tuple[str, Any]] = {}
    for some in chunks(ids):
        first = (
            select(_commands.c.command_id, func.min(head.c.position).label("position"))
            .select_from(_commands)
            .join(
                head,
                and_(
                    head.c.entity_key == _commands.c.entity_key,
                    head.c.position < _commands.c.position,
                    ~builds_on(head.c.command_id, _commands.c.effect_key),
                    or_(head.c.tenant.is_(None), head.c.tenant == _commands.c.tenant),
                    or_(head.c.state.in_(UNFINISHED), asked),
                ),
            )
            .where(_commands.c.command_id.in_(some))
            .group_by(_commands.c.command_id)
            .subquery()
        )
        named = _commands.alias("named")
        statement = select(first.c.command_id, named.c.command_id, named.c.state).join(
            named, named.c.position == first.c.position
        )
        found |= {row[0]: (row[1], row[2]) for row in await connection.execute(statement)}
    return found


async def _open_questions(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in chunks(ids):
        statement = select(_questions.c.command_id, _questions.c.question_id).where(
            _questions.c.command_id.in_(some), _questions.c.state == "open"
        )
        found |= {row[0]: row[1] for row in await connection.execute(statement)}
    return found


async def _next_calls(connection: AsyncConnection, tenants: Iterable[str], now: datetime) -> dict[str | None, datetime]:
    found: dict[str | None, datetime] = {}
    for tenant in tenants:
        until = await budget.next_call_at(connection, tenant, now)
        if until is not None:
            found[tenant] = until
    return found


def _filling(left: Budget | None, row: Mapping[str, Any], now: datetime) -> datetime | None:
    if left is None or row["ready_since"] is None:
        return None
    return pace.held_until(left, row["created_at"], row["ready_since"], row["due_at"], now)


def _stop(stops: Sequence[Mapping[str, Any]], row: Mapping[str, Any]) -> str | None:
    for stop in stops:
        if stop["tenant"] in (None, row["tenant"]) and stop["source"] in (None, row["source"]):
            return f"stopped by {stop['actor']}: {stop['reason']}"
    return None
