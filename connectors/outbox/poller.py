"""From an outbox into Kafka: one poller leads, publishes what waits, and marks what the broker has acknowledged.

A crash between the acknowledgement and the mark sends rows a second time, under the same event keys, so that they are
booked once. Of one aggregate, a row is sent only when the one before it is acknowledged; two pollers that both believe
to lead send the same rows in the same order, so that what arrives first is in order even then.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from connectors.backoff import backoff_s
from connectors.base import Clock, OutboxConfig, Publisher, PublishFailed
from connectors.cloudevents.records import Prepared
from connectors.outbox.errors import LeaseLost, OutboxUnavailable
from connectors.outbox.event import Rejected, Row, event_of
from connectors.outbox.figures import Figures
from connectors.outbox.store import Outbox
from schemas.keys import event_key

ROWS_AT_ONCE: Final = 100
LEASE_S: Final = 10.0
_FIGURES_S: Final = 10.0
_PRUNE_S: Final = 60.0
_BACKOFF_S: Final = (0.5, 30.0)
_RELEASE_S: Final = 0.7

_log = structlog.get_logger()


class OutboxMetrics(Protocol):
    """What a poller tells about itself. `source` is a configured one."""

    def outbox_stands(self, source: str, figures: Figures) -> None:
        """Called every 10 s, whether this poller leads or not."""
        ...

    def outbox_polled(self, source: str, at: datetime) -> None:
        """Called when the leader has looked for rows, and sent those that waited."""
        ...

    def schema_rejection(self, event_type: str | None) -> None:
        """Called once a row that is rejected."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of a batch, by position."""

    published: Sequence[int]
    failed: Sequence[int]
    failure: PublishFailed | None


class Poller:
    """A service: `run` until cancelled. `owner` is unique among all pollers of all processes."""

    def __init__(
        self,
        source: str,
        config: OutboxConfig,
        outbox: Outbox,
        publisher: Publisher,
        metrics: OutboxMetrics,
        clock: Clock,
        *,
        owner: str,
        lease_s: float = LEASE_S,
    ) -> None:
        self._source = source
        self._config = config
        self._outbox = outbox
        self._publisher = publisher
        self._metrics = metrics
        self._clock = clock
        self._owner = owner
        self._lease_s = lease_s
        self._led_at: float | None = None
        self._due = {"figures": 0.0, "prune": 0.0}
        self._failures = 0

    async def run(self) -> None:
        """Poll until cancelled. A database or a Kafka that is away is asked again, ever more rarely up to 30 s."""
        try:
            while True:
                wait_s = await self._turn_or_wait()
                await asyncio.sleep(wait_s)
        finally:
            if self._led_at is not None:
                with suppress(OutboxUnavailable, TimeoutError):
                    async with asyncio.timeout(_RELEASE_S):
                        await self._outbox.release(self._owner)
            await self._outbox.close()

    async def turn(self) -> float:
        """Once; how many seconds to wait until the next. Raises OutboxUnavailable, PublishFailed, LeaseLost."""
        await self._figures()
        if not await self._leads():
            return self._lease_s / 4
        rows = await self._outbox.waiting(ROWS_AT_ONCE)
        if rows:
            await self._send(rows)
        self._metrics.outbox_polled(self._source, self._clock.now())
        await self._prune()
        return 0.0 if len(rows) == ROWS_AT_ONCE else self._config.poll_s

    async def _turn_or_wait(self) -> float:
        try:
            wait_s = await self.turn()
        except LeaseLost:
            self._led_at = None
            _log.warning("another outbox poller took the lead", source=self._source)
            return self._lease_s / 4
        except (OutboxUnavailable, PublishFailed) as error:
            return await self._failed(error)
        if self._failures:
            _log.info("the outbox is polled again", source=self._source)
        self._failures = 0
        return wait_s

    async def _failed(self, error: OutboxUnavailable | PublishFailed) -> float:
        self._failures += 1
        _log.warning("the outbox is not polled", source=self._source, reason=str(error), attempt=self._failures)
        if isinstance(error, OutboxUnavailable):
            # Whether we still lead is asked first when it is there again.
            self._led_at = None
        else:
            with suppress(OutboxUnavailable):
                await self._outbox.note_error(self._owner, str(error), self._clock.now())
        return backoff_s(self._failures, *_BACKOFF_S)

    async def _leads(self) -> bool:
        """A lease is prolonged in its first third by nothing, so that an idle outbox is hardly written to."""
        now = self._clock.elapsed()
        if self._led_at is not None and now - self._led_at < self._lease_s / 3:
            return True
        led_before = self._led_at is not None
        leads = await self._outbox.lead(self._owner, self._lease_s)
        self._led_at = now if leads else None
        if leads and not led_before:
            _log.info("this worker leads the outbox", source=self._source)
        return leads

    async def _send(self, rows: Sequence[Row]) -> None:
        events: dict[int, Prepared] = {}
        rejected: dict[int, str] = {}
        for row in rows:
            outcome = event_of(row, self._source, self._clock.now())
            if isinstance(outcome, Rejected):
                rejected[row.position] = outcome.reason
                self._metrics.schema_rejection(row.type)
                key = event_key(self._source, row.id or "")
                _log.warning("a row of the outbox is no event", event_key=key, path=outcome.column)
            else:
                events[row.position] = outcome
        sent = await self._publish(rows, events)
        await self._outbox.settle(
            self._owner,
            self._lease_s,
            self._clock.now(),
            published=sent.published,
            rejected=rejected,
            failed=sent.failed,
        )
        if sent.failure is not None:
            raise sent.failure

    async def _publish(self, rows: Sequence[Row], events: Mapping[int, Prepared]) -> Sent:
        lanes: dict[tuple[str | None, str | None], list[int]] = {}
        for row in rows:
            if row.position in events:
                lanes.setdefault(row.aggregate, []).append(row.position)
        ends = await asyncio.gather(*(self._publish_lane(lane, events) for lane in lanes.values()))
        return Sent(
            published=[position for end in ends for position in end.published],
            failed=[position for end in ends for position in end.failed],
            failure=next((end.failure for end in ends if end.failure is not None), None),
        )

    async def _publish_lane(self, positions: Sequence[int], events: Mapping[int, Prepared]) -> Sent:
        """One aggregate's rows in their order, up to the first that is not acknowledged."""
        for at, position in enumerate(positions):
            event = events[position]
            key, value, headers = event.record()
            try:
                await self._publisher.publish(event.topic, key, value, headers)
            except PublishFailed as failure:
                return Sent(published=positions[:at], failed=[position], failure=failure)
        return Sent(published=positions, failed=(), failure=None)

    async def _figures(self) -> None:
        if self._is_due("figures", _FIGURES_S):
            self._metrics.outbox_stands(self._source, await self._outbox.figures())

    async def _prune(self) -> None:
        if self._is_due("prune", _PRUNE_S):
            before = self._clock.now() - timedelta(days=self._config.keep_days)
            if await self._outbox.prune(before):
                # There may be more: go on with the next turn, without keeping rows that wait from being sent.
                self._due["prune"] = 0.0

    def _is_due(self, what: str, every_s: float) -> bool:
        now = self._clock.elapsed()
        if now < self._due[what]:
            return False
        self._due[what] = now + every_s
        return True
