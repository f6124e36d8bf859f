"""Intake: one transaction a run, and a cursor that makes it exactly once (design section 6)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.commands import CommandRecord, Evidence, RefusedEvent
from streams.clock import Clock
from streams.ledger import cursors, locks
from streams.ledger.engine import Store
from streams.ledger.faults import is_data_fault
from streams.ledger.known import Position
from streams.ledger.repeat import repeated
from streams.ledger.taking import Counts, take
from streams.ledger.work import Work


@dataclass(frozen=True, slots=True)
class IntakeReport:
    """What became of a run. `skipped`: the whole run had been taken in before."""

    counts: Counts
    skipped: bool = False


class Intake:
    """Takes in command records."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @repeated
    async def offsets(self, partitions: Iterable[int]) -> Mapping[int, int]:
        """The first offset of the topic `commands` not taken in, for partitions of which something was."""
        async with self._store.read() as connection:
            return await cursors.offsets(connection, cursors.COMMANDS, partitions)

    async def take_in(self, records: Sequence[CommandRecord], position: tuple[int, int]) -> IntakeReport:
        """Take in a run of the topic `commands`; `position` is its partition and the offset after it.

        Returns when the transaction is committed. A run that was taken in before is skipped. A record that makes the
        transaction fail is looked for in halves and becomes a dead letter. Raises LedgerUnavailable.
        """
        try:
            return await self._whole(records, position)
        except Exception as error:
            if not is_data_fault(error):
                raise
            counts = await self._halves(records, error)
        await self._part((), position)
        return IntakeReport(counts)

    @repeated
    async def _whole(self, records: Sequence[CommandRecord], position: tuple[int, int]) -> IntakeReport:
        async with self._store.write() as connection:
            await locks.take_turn(connection)
            if await cursors.passed(connection, cursors.COMMANDS, *position):
                return IntakeReport(Counts(), skipped=True)
            return IntakeReport(await take(self._work(connection, position), records))

    @repeated
    async def _part(self, records: Sequence[CommandRecord], position: tuple[int, int] | None = None) -> Counts:
        async with self._store.write() as connection:
            await locks.take_turn(connection)
            return await take(self._work(connection, position), records)

    def _work(self, connection: AsyncConnection, position: tuple[int, int] | None) -> Work:
        work = Work(connection, self._clock.now())
        if position is not None:
            partition, next_offset = position
            work.cursors.advance(Position(cursors.COMMANDS, partition, next_offset - 1), counted=False)
        return work

    async def _halves(self, records: Sequence[CommandRecord], error: Exception) -> Counts:
        """Take in all but what fails. Each part is a transaction; taking a record in twice changes nothing."""
        if len(records) == 1:
            counts = await self._part([_poisoned(records[0], error)])
            counts.poison += 1
            return counts
        total = Counts()
        half = len(records) // 2
        for part in (records[:half], records[half:]):
            try:
                counts = await self._part(part)
            except Exception as found:
                if not is_data_fault(found):
                    raise
                counts = await self._halves(part, found)
            _add(total, counts)
        return total


def _add(total: Counts, more: Counts) -> None:
    for name in Counts.__slots__:
        setattr(total, name, getattr(total, name) + getattr(more, name))


def _poisoned(record: CommandRecord, error: Exception) -> CommandRecord:
    """The record as a dead letter. Its texts may be the poison, so only its position and bytes stay."""
    return CommandRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp_ms,
        key=record.key,
        value=record.value,
        headers=record.headers,
        outcome=RefusedEvent(
            cause="poison",
            stage="intake",
            evidence=Evidence(
                message=f"The ledger cannot store this record: {_words(error)}",
                field="$",
                value=msgspec.json.encode((record.value or b"").decode(errors="replace")[:80]).decode(),
                remedy="Correct it at its source and send it with a new id, then discard this letter.",
                exception_type=type(error).__name__,
            ),
        ),
    )


def _words(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).replace("\x00", "\\0")[:300]
