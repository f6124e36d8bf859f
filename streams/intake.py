"""Intake: command records become rows of the ledger (a Faust agent): a transaction a run, then its acknowledgement."""

from collections.abc import Callable, Mapping

import msgspec

from schemas.commands import CommandRecord, Evidence, RefusedEvent, decode_record
from schemas.topics import TOPICS
from streams.clock import Clock
from streams.counting import count_run
from streams.kafka.records import Record, Run
from streams.ledger import Ledger
from streams.metrics import MetricsRegistry


class Intake:
    """`wake` tells the sender that there may be work."""

    def __init__(
        self, ledger: Ledger, prefix: str, wake: Callable[[], None], metrics: MetricsRegistry, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._commands = TOPICS["commands"].full_name(prefix)
        self._wake = wake
        self._metrics = metrics
        self._clock = clock

    async def on_assigned(self, partitions: frozenset[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        """The ledger's own offsets of `commands`: the group's commit is only for lag (design section 5)."""
        ours = [number for topic, number in partitions if topic == self._commands]
        offsets = await self._ledger.intake.offsets(ours)
        return {(self._commands, number): offset for number, offset in offsets.items()}

    async def on_run(self, run: Run) -> None:
        """Returns when the transaction is committed."""
        records = [_decode(run, record) for record in run.records]
        report = await self._ledger.intake.take_in(records, (run.partition, run.records[-1].offset + 1))
        self._wake()
        count_run(self._metrics, records, report, self._clock.now())


def _decode(run: Run, record: Record) -> CommandRecord:
    try:
        return decode_record(record.value)
    except msgspec.DecodeError as error:
        # Somebody else wrote into our topic. It is set aside under its own position.
        return CommandRecord(
            topic="commands",
            partition=run.partition,
            offset=record.offset,
            timestamp_ms=record.timestamp_ms,
            outcome=RefusedEvent(
                cause="poison",
                stage="intake",
                evidence=Evidence(
                    message=f"A record in the topic commands is not one of ours: {error}",
                    field="$",
                    value=record.value[:80].decode(errors="replace"),
                    remedy="Find out who writes into the topic commands, then discard this letter.",
                ),
            ),
            key=record.key,
            value=record.value,
            headers=record.headers,
        )
