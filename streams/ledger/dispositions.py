"""Where events ended (G1): each has exactly one disposition, the worst of its commands.

A command that says the `same` as its effect's current one shares that one's fate. A record that was refused counts by
its dead letter: open, discarded, or settled by what came later.
"""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.states import CommandState, Disposition
from streams.ledger import tables
from streams.ledger.rows import chunks

_commands: Final = tables.commands
_events: Final = tables.events
_letters: Final = tables.dead_letters
_effects: Final = tables.effects
_current: Final = tables.commands.alias("current")

DISCARDED: Final = "discarded"

# Worst first, as numbers that SQL can take the least of (schemas.states.DISPOSITIONS).
_ORDER: Final[tuple[Disposition, ...]] = ("dead_lettered", "waiting", "discarded", "posted", "superseded", "ignored")
_RANK: Final = {"rejected": 0, "pending": 1, "sent": 1, "discarded": 2, "posted": 3, "same": 3, "superseded": 4}


def _fate() -> ColumnElement[Any]:
    return case((_commands.c.state == "same", func.coalesce(_current.c.state, "same")), else_=_commands.c.state)


async def counted_states(connection: AsyncConnection, event_keys: Iterable[str]) -> dict[str, CommandState]:
    """The state with which each command of these events counts, by command id."""
    found: dict[str, CommandState] = {}
    for keys in chunks(event_keys):
        statement = (
            select(_commands.c.command_id, _fate())
            .outerjoin(_effects, _effects.c.effect_key == _commands.c.effect_key)
            .outerjoin(_current, _current.c.command_id == _effects.c.current_command)
            .where(_commands.c.event_key.in_(keys))
        )
        found |= {row[0]: row[1] for row in await connection.execute(statement)}
    return found


async def count(connection: AsyncConnection) -> dict[Disposition, int]:
    """How many events and refused records ended where; duplicates are not among them."""
    rank = func.min(case(_RANK, value=_fate(), else_=len(_ORDER) - 1))
    per_event = (
        select(_events.c.event_key, _events.c.outcome, func.coalesce(rank, len(_ORDER) - 1).label("rank"))
        .outerjoin(_commands, _commands.c.event_key == _events.c.event_key)
        .outerjoin(_effects, _effects.c.effect_key == _commands.c.effect_key)
        .outerjoin(_current, _current.c.command_id == _effects.c.current_command)
        .group_by(_events.c.event_key, _events.c.outcome)
        .subquery()
    )
    statement = select(per_event.c.outcome, per_event.c.rank, func.count()).group_by(
        per_event.c.outcome, per_event.c.rank
    )
    counts: dict[Disposition, int] = dict.fromkeys(_ORDER, 0)
    for outcome, rank_, number in await connection.execute(statement):
        counts["waiting" if outcome == "pending" else _ORDER[rank_]] += number
    for state, reason, number in await connection.execute(_refused()):
        counts[of_letter(state, reason)] += number
    return counts


def _refused() -> Any:
    """Letters of refused records that did not become events by a replay."""
    same_position = (
        select(_events.c.event_key)
        .where(
            _events.c.topic == _letters.c.topic,
            _events.c.partition == _letters.c.partition,
            _events.c.offset == _letters.c.offset,
        )
        .correlate(_letters)
        .exists()
    )
    return (
        select(_letters.c.state, _letters.c.closed_reason, func.count())
        .where(_letters.c.command_id.is_(None), ~same_position)
        .group_by(_letters.c.state, _letters.c.closed_reason)
    )


def of_letter(state: str, closed_reason: str | None) -> Disposition:
    """The disposition of a refused record by its letter."""
    if state == "open":
        return "dead_lettered"
    return "discarded" if (closed_reason or "").startswith(DISCARDED) else "superseded"
