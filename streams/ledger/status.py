"""What became of one event: the answer to the producer that asks the receiver."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas import keys
from schemas.commands import Evidence
from schemas.states import disposition_of
from schemas.status import CommandStatus, DocumentStatus, EventStatus, Problem
from streams.clock import Clock
from streams.core.waiting import Waiting
from streams.ledger import dispositions, letters, raw_ends, tables, waits
from streams.ledger.engine import Store
from streams.ledger.repeat import repeated

_events: Final = tables.events
_commands: Final = tables.commands
_effects: Final = tables.effects
_letters: Final = tables.dead_letters
_duplicates: Final = tables.duplicates


class Status:
    """Asks the ledger what became of events."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @repeated
    async def of_event(self, source: str, id: str) -> EventStatus | None:
        """None while the ledger does not know the event. Raises LedgerUnavailable."""
        key = keys.event_key(source, id)
        async with self._store.read() as connection:
            row = await _event(connection, source, id, key)
            if row is None:
                return await self._refused(connection, source, id, key)
            commands = await self._commands(connection, row["event_key"])
        waiting = row["outcome"] == "pending"
        states = [one.counts_as for one in commands]
        return EventStatus(
            source=source,
            id=id,
            disposition="waiting" if waiting else disposition_of(states),
            type=row["type"],
            taken_in_at=row["recorded_at"],
            reason=row["reason"],
            commands=tuple(one.status for one in commands),
        )

    async def _commands(self, connection: AsyncConnection, key: str) -> "list[_Command]":
        statement = (
            select(_commands, _effects.c.xero_id, _effects.c.number)
            .outerjoin(_effects, _effects.c.effect_key == _commands.c.effect_key)
            .where(_commands.c.event_key == key)
            .order_by(_commands.c.position)
        )
        rows = [dict(row) for row in (await connection.execute(statement)).mappings()]
        pending = [row for row in rows if row["state"] == "pending"]
        waiting = await waits.of_commands(connection, pending, self._clock.now())
        problems = await _problems(connection, [row["command_id"] for row in rows])
        counted = await dispositions.counted_states(connection, [key])
        return [_Command(row, waiting.get(row["command_id"]), problems, counted) for row in rows]

    @staticmethod
    async def _refused(connection: AsyncConnection, source: str, id: str, key: str) -> EventStatus | None:
        """An event whose record was refused as a whole; what its letter says last. What told the same under another id
        was refused with it."""
        again = select(_duplicates.c.digest).where(_duplicates.c.event_key == key, _duplicates.c.digest.is_not(None))
        failures = [letters.told(source, row[0]) for row in await connection.execute(again)]
        for where in (_letters.c.event_key == key, _letters.c.failure.in_(failures)):
            statement = (
                select(_letters)
                .where(where, _letters.c.command_id.is_(None))
                .order_by(_letters.c.first_failed_at.desc())
                .limit(1)
            )
            row = (await connection.execute(statement)).mappings().first()
            if row is not None:
                break
        else:
            return None
        return EventStatus(
            source=source,
            id=id,
            disposition=dispositions.of_letter(row["state"], row["closed_reason"]),
            type=row["kind"],
            taken_in_at=row["first_failed_at"],
            reason=row["closed_reason"],
            error=problem_of(row),
        )


async def _event(connection: AsyncConnection, source: str, id: str, key: str) -> Any:
    for where in (_events.c.event_key == key, raw_ends.is_called(source, id)):
        statement = select(_events).where(where).order_by(_events.c.recorded_at.desc()).limit(1)
        if (row := (await connection.execute(statement)).mappings().first()) is not None:
            return row
    return None


class _Command:
    """A command's status, and the state that its event's disposition counts it with."""

    def __init__(
        self,
        row: Mapping[str, Any],
        waiting: Waiting | None,
        problems: Mapping[str, Problem],
        counted: Mapping[str, Any],
    ) -> None:
        linked = row["xero_id"] is not None and row["state"] in ("posted", "same")
        self.counts_as = counted[row["command_id"]]
        self.status = CommandStatus(
            command_id=row["command_id"],
            kind=row["kind"],
            state=row["state"],
            tenant=row["tenant"],
            document=DocumentStatus(id=row["xero_id"], number=row["number"]) if linked else None,
            waits_for=waiting.reason if waiting else None,
            until=waiting.until if waiting else None,
            error=problems.get(row["command_id"]),
        )


async def _problems(connection: AsyncConnection, command_ids: list[str]) -> dict[str, Problem]:
    statement = select(_letters).where(_letters.c.command_id.in_(command_ids), _letters.c.state == "open")
    return {row["command_id"]: problem_of(row) for row in (await connection.execute(statement)).mappings()}


def problem_of(row: Mapping[Any, Any]) -> Problem:
    """What a dead letter says, for the producer of its event."""
    evidence = msgspec.convert(row["evidence"], Evidence)
    return Problem(
        message=evidence.message,
        field=evidence.field,
        value=evidence.value,
        remedy=evidence.remedy,
        cause=row["cause"],
    )
