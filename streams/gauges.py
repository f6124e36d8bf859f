"""The gauges that only the ledger can tell (a service of the worker): set anew every 10 s."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime
from time import monotonic
from typing import Any, Final

import structlog

from streams.core.lanes import PERSON_S
from streams.core.silence import Expectation
from streams.ledger import Ledger
from streams.ledger.budget import IN_FLIGHT_LIMIT
from streams.ledger.errors import LedgerUnavailable
from streams.ledger.figures import Figures
from streams.metrics import NONE, MetricsRegistry

_EVERY_S: Final = 10.0
# Counting a large ledger may take a while; it takes a twentieth of the time, but a process that was suspended
# meanwhile does not rest for twenty times as long.
_SHARE: Final = 20
_REST_MAX_S: Final = 300.0
_PRIORITIES: Final = {PERSON_S: "person", 60: "payment", 120: "invoice", 300: "contact", 900: "backfill"}

_log = structlog.get_logger()


class Gauges:
    """A service of the worker."""

    def __init__(
        self,
        ledger: Ledger,
        metrics: MetricsRegistry,
        expected: Mapping[str, Expectation],
        surveyed: Collection[str] = (),
    ) -> None:
        """`surveyed`: the sources of Xero."""
        self._ledger = ledger
        self._metrics = metrics
        self._expected = expected
        self._surveyed = surveyed
        self._failing: frozenset[str] = frozenset()
        metrics.hearing.watch_silence({name: one.gap.total_seconds() for name, one in expected.items()})
        self._last: Figures | None = None

    async def run(self) -> None:
        """Every 10 s, until cancelled. A ledger that cannot be read leaves the gauges as they are."""
        while True:
            began = monotonic()
            try:
                await self.turn()
            except LedgerUnavailable as error:
                _log.warning("the gauges could not be read", reason=str(error))
            await asyncio.sleep(min(max(_EVERY_S, (monotonic() - began) * _SHARE), _REST_MAX_S))

    async def turn(self) -> None:
        """Set them once. Raises LedgerUnavailable."""
        figures = await self._ledger.figures.read()
        metrics = self._metrics
        for seconds, priority in _PRIORITIES.items():
            metrics.xero_pending.labels(priority).set(figures.pending.get(seconds, 0))
        metrics.xero_oldest_pending.set(_stamp(figures.oldest_pending))
        metrics.dlq_oldest.set(_stamp(figures.oldest_letter))
        _set_all(metrics.dlq_open, figures.open_letters, self._last.open_letters if self._last else {})
        for source, at in figures.last_events.items():
            if metrics.source_label(source) == source:
                metrics.source_last_event.labels(source).set(at.timestamp())
        await self._silence()
        await self._finds()
        self._budgets(figures)
        metrics.xero_egress.set(sum(figures.egress.values()))
        self._count(figures)
        self._last = figures

    async def _silence(self) -> None:
        if self._expected:
            for source, silence in (await self._ledger.figures.silences(self._expected, self._surveyed)).items():
                self._metrics.hearing.is_silent(source, None if silence is None else silence.total_seconds())

    async def _finds(self) -> None:
        """Whether webhooks come, of the sources that this process sweeps; who ought to know is told once."""
        swept = self._metrics.hearing.swept_sources
        found = await self._ledger.figures.finds(swept) if swept else {}
        for source, finds in found.items():
            self._metrics.hearing.finds(source, finds.share, is_failing=finds.webhooks_fail)
            if finds.webhooks_fail and source not in self._failing:
                _log.warning("webhooks of the source", source=source, reason=finds.words)
        self._failing = frozenset(source for source, finds in found.items() if finds.webhooks_fail)

    def _budgets(self, figures: Figures) -> None:
        budgets = figures.budgets.values()
        if not budgets:
            return
        metrics = self._metrics
        metrics.xero_remaining.labels("minute").set(min(one.minute_left for one in budgets))
        metrics.xero_remaining.labels("concurrent").set(min(one.in_flight_left for one in budgets))
        worst = min(budgets, key=lambda one: one.day_left)
        metrics.xero_remaining.labels("day").set(worst.day_left)
        metrics.xero_limit.labels("day").set(worst.day_limit)
        metrics.xero_limit.labels("minute").set(min(one.minute_limit for one in budgets))
        metrics.xero_limit.labels("concurrent").set(IN_FLIGHT_LIMIT)

    def _count(self, figures: Figures) -> None:
        """A counter rises by what came since the last look; what was there at the start is history."""
        if self._last is not None:
            self._metrics.dlq_replays.labels("replayed").inc(max(figures.replayed - self._last.replayed, 0))


def _set_all(gauge: Any, now: Mapping[str, int], before: Mapping[str, int]) -> None:
    for label in {*now, *before}:
        gauge.labels(label).set(now.get(label, 0))


def _stamp(at: datetime | None) -> float:
    return NONE if at is None else at.timestamp()
