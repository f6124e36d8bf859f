"""The sweeps of a worker: each source that has an API is asked, every so often, what changed.

Of all workers one leads each source's sweep, by the ledger. The sources are those of the start: who gives a source an
API, or another address of it, starts the workers again.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import aiohttp
import structlog

from connectors.backoff import backoff_s
from connectors.base import ApiConfig, Clock, Publisher, PublishFailed, SourceConfig
from connectors.fetching import Fetcher, SourceRefused, SourceUnavailable
from connectors.registry import REGISTRY
from connectors.sweeping import Page, Subscription, Sweeper
from schemas import raw
from streams.ledger import Ledger
from streams.ledger.errors import LedgerUnavailable

# A webhook gets this long to come first: what the sweep brings then was not merely quicker.
LAG_S: Final = 120.0
# Twice as long as one page may take.
_LEAD_S: Final = 120.0
_FOLLOWER_S: Final = 30.0
_BACKOFF_S: Final = (5.0, 300.0)
_RELEASE_S: Final = 0.7

_log = structlog.get_logger()


class SweepMetrics(Protocol):
    """What a sweep tells about itself (streams.metrics_hearing)."""

    def found(self, source: str, records: int) -> None: ...

    def swept(self, source: str, at: datetime, is_active: bool | None) -> None: ...

    def not_swept(self, source: str) -> None: ...


class Sweeping:
    """The sweep of one source: a service. `owner` is unique among all sweeps of all processes."""

    def __init__(
        self,
        source: str,
        every_s: float,
        sweeper: Sweeper,
        ledger: Ledger,
        publisher: Publisher,
        metrics: SweepMetrics,
        clock: Clock,
        *,
        owner: str,
        lag_s: float = LAG_S,
    ) -> None:
        self._source = source
        self._every_s = every_s
        self._sweeper = sweeper
        self._ledger = ledger
        self._publisher = publisher
        self._metrics = metrics
        self._clock = clock
        self._owner = owner
        self._lag = timedelta(seconds=lag_s)
        self._failures = 0

    async def run(self) -> None:
        """Sweep until cancelled. What does not answer is asked again, ever more rarely, up to 5 minutes apart."""
        try:
            while True:
                wait_s = await self.turn()
                await asyncio.sleep(wait_s)
        finally:
            with suppress(LedgerUnavailable, TimeoutError):
                async with asyncio.timeout(_RELEASE_S):
                    await self._ledger.sweeps.give_back(self._source, self._owner)

    async def turn(self) -> float:
        """Sweep once, if it is time and we lead; how many seconds to wait until the next turn."""
        try:
            wait_s = await self._sweep()
        except (SourceUnavailable, SourceRefused, PublishFailed) as error:
            return await self._failed(error)
        except LedgerUnavailable as error:
            _log.warning("the source is not swept", source=self._source, reason=str(error))
            return _FOLLOWER_S
        if self._failures:
            _log.info("the source is swept again", source=self._source)
        self._failures = 0
        return wait_s

    async def _sweep(self) -> float:
        state = await self._ledger.sweeps.lead(self._source, self._owner, _LEAD_S)
        if state is None:
            return _FOLLOWER_S
        now = self._clock.now()
        # Whoever takes over goes by when the one before it swept, as its own first sweep after a failure does.
        if state.swept_at is not None and not self._failures:
            due_in_s = (state.swept_at - now).total_seconds() + self._every_s
            if 0 < due_in_s <= self._every_s:
                return min(due_in_s, _FOLLOWER_S)
        cursor, until = state.cursor, now - self._lag
        while True:
            page = await self._sweeper.page(cursor, until)
            await self._publish(page)
            if not await self._ledger.sweeps.went_on(self._source, self._owner, page.cursor, _LEAD_S):
                _log.warning("another worker leads the sweep", source=self._source)
                return _FOLLOWER_S
            cursor = page.cursor
            if not page.more:
                break
        await self._end(await self._sweeper.subscription())
        return min(self._every_s, _FOLLOWER_S)

    async def _publish(self, page: Page) -> None:
        # One key, so one partition: in the order of change, and acknowledged together.
        records = [raw.to_kafka(record) for record in page.records]
        ends = await asyncio.gather(
            *(self._publisher.publish("raw", *record) for record in records), return_exceptions=True
        )
        if (failure := next((end for end in ends if isinstance(end, BaseException)), None)) is not None:
            raise failure
        self._metrics.found(self._source, len(records))

    async def _end(self, subscription: Subscription | None) -> None:
        active = None if subscription is None else subscription.active
        words = None if subscription is None else subscription.words
        await self._ledger.sweeps.ended(self._source, self._owner, is_active=active, subscription=words)
        self._metrics.swept(self._source, self._clock.now(), active)
        if subscription is not None and (not subscription.active or subscription.repaired):
            _log.warning("webhooks of the source", source=self._source, reason=subscription.words)

    async def _failed(self, error: SourceUnavailable | SourceRefused | PublishFailed) -> float:
        self._failures += 1
        remedy = error.remedy if isinstance(error, SourceRefused) else None
        _log.warning(
            "the source is not swept", source=self._source, reason=str(error), remedy=remedy, attempt=self._failures
        )
        self._metrics.not_swept(self._source)
        with suppress(LedgerUnavailable):
            await self._ledger.sweeps.failed(self._source, self._owner, str(error), remedy)
        asked = error.retry_after_s if isinstance(error, SourceUnavailable) else None
        return max(backoff_s(self._failures, *_BACKOFF_S), asked or 0.0)


@dataclass(frozen=True, slots=True)
class Swept:
    """A source that is swept."""

    config: SourceConfig
    api: ApiConfig
    make: Callable[[SourceConfig, Fetcher], Sweeper]


def swept_sources(sources: Mapping[str, SourceConfig]) -> dict[str, Swept]:
    """The sources that have an API and whose connector can ask it, by name."""
    return {
        name: Swept(config, config.api, make)
        for name, config in sources.items()
        if config.api is not None and (make := REGISTRY[config.connector].sweep) is not None
    }


def sweepings(
    sources: Mapping[str, Swept],
    session: aiohttp.ClientSession,
    ledger: Ledger,
    publisher: Publisher,
    metrics: SweepMetrics,
    clock: Clock,
    member: str,
) -> Sequence[Sweeping]:
    """A sweep for each. `member` names the worker, for people who ask who leads."""
    owner = f"{member}:{secrets.token_hex(4)}"
    return [
        Sweeping(
            name,
            one.api.every_s,
            one.make(one.config, Fetcher(session, one.api.url)),
            ledger,
            publisher,
            metrics,
            clock,
            owner=owner,
        )
        for name, one in sources.items()
    ]
