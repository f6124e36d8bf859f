"""What is counted where events pass: at the agents, at intake and at the outbox."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final

from schemas.commands import CommandRecord, Duplicate, RefusedEvent
from schemas.states import Cause
from streams.kafka.app import Handler
from streams.kafka.records import Run
from streams.ledger.ends import Ended
from streams.ledger.intake import IntakeReport
from streams.ledger.publishing import Unpublished
from streams.metrics import MetricsRegistry

# A record that could not even be digested and has one of these causes did not fit its contract.
_MISFIT: Final[frozenset[Cause]] = frozenset({"data", "poison"})


def timed(handler: Handler, agent: str, metrics: MetricsRegistry, elapsed: Callable[[], float]) -> Handler:
    """The agent's handler with a watch: a run takes until what follows from it is safe."""

    async def on_run(run: Run) -> Awaitable[object] | None:
        began = elapsed()
        safe = await handler(run)
        if safe is not None:
            return ended(safe, began)
        metrics.processed(agent, elapsed() - began)
        return None

    async def ended(safe: Awaitable[object], began: float) -> None:
        await safe
        metrics.processed(agent, elapsed() - began)

    return on_run


def count_run(metrics: MetricsRegistry, records: Sequence[CommandRecord], report: IntakeReport, now: datetime) -> None:
    """A run that was taken in. One that was taken in before was counted then."""
    if report.skipped:
        return
    for (source, key_kind), number in report.counts.known.items():
        metrics.repeated(source, key_kind, number)
    for source, number in report.counts.swept_first.items():
        metrics.hearing.brought_by_sweep(source or "", number)
    for record in records:
        if isinstance(record.outcome, Duplicate):
            continue
        if record.event_time is not None:
            metrics.aged("intake", (now - record.event_time).total_seconds())
        if isinstance(record.outcome, RefusedEvent) and record.digest is None and record.outcome.cause in _MISFIT:
            metrics.schema_rejection(record.event_type)


def count_published(
    metrics: MetricsRegistry, batch: Sequence[Unpublished], ends: Sequence[Ended], now: datetime
) -> None:
    """Transitions that went through the outbox, and the events that came to an end with them."""
    for one in batch:
        if one.outcome.kind is not None:
            metrics.reached(one.outcome.kind, one.outcome.to_state)
        if one.letter is not None:
            metrics.dead_letter(one.letter.cause, one.letter.stage)
    for end in ends:
        metrics.ended(end.source, end.type, end.disposition)
        if end.disposition == "posted" and end.time is not None:
            metrics.aged("send", (now - end.time).total_seconds())
