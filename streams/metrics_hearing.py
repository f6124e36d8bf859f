"""The metrics of how sources are heard: polls, sweeps, their webhooks to us, and silence."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

# What a gauge of a moment shows where there is none: no comparison with it holds, so no alert of age fires.
NONE: Final = float("nan")


class HearingMetrics:
    """Only a process that polls or sweeps has anything to say of it, so the series are made by the `watch_` methods."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        # The sources whose API this process sweeps.
        self.swept_sources: frozenset[str] = frozenset()
        self._first: Counter | None = None
        self._found: set[str] = set()

    def watch_polled(self, sources: Sequence[str]) -> None:
        """Sources that this process asks: outboxes and APIs."""
        self.poll_last_success = self._gauge(
            "ledgerstream_source_poll_last_success_timestamp_seconds",
            "When this process last polled a source to the end; NaN: not yet.",
        )
        for source in sources:
            self.poll_last_success.labels(source).set(NONE)

    def watch_swept(self, sources: Sequence[str]) -> None:
        """Sources whose API this process sweeps; they are among the polled ones as well."""
        self.swept_records = self._counter(
            "ledgerstream_source_swept_records_total", "What the sweeps of a source's API found, known or not."
        )
        self.sweep_share = self._gauge(
            "ledgerstream_source_sweep_share",
            "Share of a day's events that the sweep brought before, or without, any webhook; NaN: there were none.",
        )
        self.webhooks_failing = self._gauge(
            "ledgerstream_source_webhooks_failing", "1 while so much of that share is that webhooks do not come."
        )
        self._watch_finds(sources)
        self.sweep_failing = self._gauge(
            "ledgerstream_source_sweep_failing", "1 while the source's API does not answer our sweeps, or refuses."
        )
        self.subscription_active = self._gauge(
            "ledgerstream_source_subscription_active",
            "1 if the source says that its webhooks to us are active, 0 if not; NaN: it does not say.",
        )
        for source in sources:
            self.swept_records.labels(source)
            self.sweep_share.labels(source).set(NONE)
            self.webhooks_failing.labels(source).set(0)
            self.sweep_failing.labels(source).set(0)
            self.subscription_active.labels(source).set(NONE)
        self.swept_sources = frozenset(sources)

    def watch_silence(self, gaps_s: dict[str, float]) -> None:
        """How long sources may be silent, in seconds of their hours of business, where the configuration says so."""
        self.expected_gap = self._gauge(
            "ledgerstream_source_expected_gap_seconds", "How long a source may be silent in its hours of business."
        )
        self.silent = self._gauge(
            "ledgerstream_source_silent_seconds",
            "For how much of its hours of business a source has given no sign of life; NaN: none ever.",
        )
        for source, gap_s in gaps_s.items():
            self.expected_gap.labels(source).set(gap_s)
            self.silent.labels(source).set(NONE)

    def watch_webhooks(self, sources: Sequence[str]) -> None:
        """Sources whose deliveries are numbered."""
        if not sources:
            return
        self.sequence_gaps = self._counter(
            "ledgerstream_webhook_sequence_gaps_total", "Deliveries of Xero that never came; what they told is read."
        )
        for source in sources:
            self.sequence_gaps.labels(source)
        # What is read of Xero each hour finds what no webhook told.
        self._watch_finds(sources)

    def gaps(self, source: str, number: int) -> None:
        """So many gaps between the deliveries of a source stayed."""
        self.sequence_gaps.labels(source).inc(number)

    def polled(self, source: str, at: datetime) -> None:
        """A source was asked, and answered to the end."""
        self.poll_last_success.labels(source).set(at.timestamp())

    def found(self, source: str, records: int) -> None:
        """A page of a sweep is in Kafka."""
        self.swept_records.labels(source).inc(records)

    def swept(self, source: str, at: datetime, is_active: bool | None) -> None:
        """A sweep came to its end; what the source says of its webhooks."""
        self.polled(source, at)
        self.sweep_failing.labels(source).set(0)
        self.subscription_active.labels(source).set(NONE if is_active is None else float(is_active))

    def not_swept(self, source: str) -> None:
        """The source's API did not answer, or refused."""
        self.sweep_failing.labels(source).set(1)

    def brought_by_sweep(self, source: str, events: int) -> None:
        """Events that were taken in, or news of Xero, that nobody but a sweep had told until then."""
        if self._first is not None and source in self._found:
            self._first.labels(source).inc(events)

    def finds(self, source: str, share: float | None, *, is_failing: bool) -> None:
        """Which share of the events of a day the sweep brought; None where there were none."""
        self.sweep_share.labels(source).set(NONE if share is None else share)
        self.webhooks_failing.labels(source).set(is_failing)

    def is_silent(self, source: str, seconds: float | None) -> None:
        """For how many seconds of its hours of business nothing was heard of a source; None: it never was."""
        self.silent.labels(source).set(NONE if seconds is None else seconds)

    def _watch_finds(self, sources: Sequence[str]) -> None:
        if self._first is None:
            self._first = self._counter(
                "ledgerstream_source_sweep_found_total",
                "Events that the sweep brought before, or without, any webhook: many of them, and webhooks fail.",
            )
        for source in sources:
            self._first.labels(source)
        self._found |= set(sources)

    def _counter(self, name: str, words: str) -> Counter:
        return Counter(name, words, ("source",), registry=self._registry)

    def _gauge(self, name: str, words: str) -> Gauge:
        return Gauge(name, words, ("source",), registry=self._registry)
