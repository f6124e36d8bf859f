"""The metrics: one registry, names as in the operations guide, labels bounded, every known label set shown from 0.

Nothing is labelled by order, contact or tenant: there may be thousands. Per-tenant figures come from the ledger.
"""

from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version
from time import monotonic
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from connectors.outbox.figures import Figures
from connectors.receiver import RESULTS, Result
from connectors.xero.answers import Window
from schemas.commands import AnyPayload
from schemas.events import EVENT_TYPES
from schemas.states import CAUSES, COMMAND_STATES, DISPOSITIONS, Stage
from streams.ledger.budget import APP_MINUTE_LIMIT
from streams.metrics_hearing import NONE as NONE
from streams.metrics_hearing import HearingMetrics

AGENTS: Final = ("normalise", "translate", "intake")
STAGES: Final[tuple[Stage, ...]] = get_args(Stage)
UNKNOWN: Final = "unknown"
_APP_MINUTE_S: Final = 60.0
_ENDPOINTS: Final = ("Contacts", "Invoices", "CreditNotes", "Payments", "Organisation")
_AGES: Final = ("intake", "send")
_ENDS: Final = tuple(one for one in DISPOSITIONS if one != "waiting")
_WEBHOOK_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_CALL_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_AGE_BUCKETS: Final = (1, 5, 15, 60, 300, 900, 3600, 14400, 86400)


class MetricsRegistry:
    """Every metric of a process. Sources are known from the tenant files, so theirs are shown from 0 as well.

    `elapsed` is a clock of seconds that pass.
    """

    def __init__(self, sources: tuple[str, ...] = (), elapsed: Callable[[], float] = monotonic) -> None:
        # A second series for every counter, which says only when the process began.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library does not say that it gives None
        self.registry = CollectorRegistry()
        self.hearing = HearingMetrics(self.registry)
        self.sources = (*sources, UNKNOWN)
        self._elapsed = elapsed
        self._app_minute = (APP_MINUTE_LIMIT, elapsed())
        self._ingest()
        self._stream()
        self._xero()
        self._dead_letters()
        build = self._gauge("ledgerstream_build_info", "The version that runs.", "version")
        build.labels(version("ledgerstream")).set(1)

    def source_label(self, source: str | None) -> str:
        """A bounded label: a source that is not configured is `unknown`."""
        return source if source in self.sources else UNKNOWN

    def webhook_request(self, source: str, result: Result, duration_s: float) -> None:
        """One request at the receiver (connectors.receiver.ReceiverMetrics)."""
        label = self.source_label(source)
        self._ended[label, result].inc()
        self._took[label].observe(duration_s)

    def schema_rejection(self, event_type: str | None) -> None:
        """A record or request that does not fit its contract (connectors.receiver.ReceiverMetrics)."""
        row = EVENT_TYPES.get(event_type or "")
        name, number = (row.name, str(row.version)) if row else (UNKNOWN, UNKNOWN)
        self.schema_rejections.labels(name, number).inc()

    def processed(self, agent: str, seconds: float) -> None:
        """An agent's run, from its records to its acknowledgement (streams.counting)."""
        self.processing_seconds.labels(agent).observe(seconds)

    def aged(self, stage: Stage, seconds: float) -> None:
        """How long ago an event happened, at a stage of its way (streams.counting)."""
        self.event_age_seconds.labels(stage).observe(seconds)

    def repeated(self, source: str | None, key_kind: str, number: int = 1) -> None:
        """What was known already, by which key (streams.counting)."""
        self.deduplicated.labels(self.source_label(source), key_kind).inc(number)

    def ended(self, source: str | None, event_type: str | None, disposition: str) -> None:
        """An event came to an end (streams.counting)."""
        row = EVENT_TYPES.get(event_type or "")
        self.events.labels(self.source_label(source), row.name if row else UNKNOWN, disposition).inc()

    def reached(self, command: str, state: str) -> None:
        """A command came into a state (streams.counting)."""
        self.xero_commands.labels(command, state).inc()

    def watch_configuration(self, is_good: Callable[[], bool]) -> None:
        """Show whether the configuration files, as they stand, are in force."""
        gauge = self._gauge(
            "ledgerstream_config_last_reload_successful",
            "1 while the tenant files are in force as they stand; 0: they are broken, the last good ones are in force.",
        )
        gauge.set_function(lambda: float(is_good()))

    def watch_outboxes(self, sources: tuple[str, ...]) -> None:
        """Show what is told of outboxes: only a process that polls some has anything to say of them."""
        self.outbox_pending = self._gauge(
            "ledgerstream_outbox_pending_rows", "Rows of an outbox that are not yet in Kafka.", "source"
        )
        self.outbox_oldest = self._gauge(
            "ledgerstream_outbox_oldest_pending_timestamp_seconds",
            "When the oldest row that waits was written; NaN: none waits.",
            "source",
        )
        self.outbox_rejected = self._gauge(
            "ledgerstream_outbox_rejected_rows", "Rows that are no events, until somebody mends them.", "source"
        )
        for source in sources:
            self.outbox_pending.labels(source)
            self.outbox_oldest.labels(source).set(NONE)
            self.outbox_rejected.labels(source)

    def outbox_stands(self, source: str, figures: Figures) -> None:
        """How an outbox stands (connectors.outbox.poller.OutboxMetrics)."""
        self.outbox_pending.labels(source).set(figures.waiting)
        self.outbox_oldest.labels(source).set(figures.oldest.timestamp() if figures.oldest else NONE)
        self.outbox_rejected.labels(source).set(figures.rejected)

    def outbox_polled(self, source: str, at: datetime) -> None:
        """An outbox was looked at by its leader (connectors.outbox.poller.OutboxMetrics)."""
        self.hearing.polled(source, at)

    def dead_letter(self, cause: str, stage: str) -> None:
        """A dead letter was made (streams.counting)."""
        self.dlq_records.labels(cause, stage).inc()

    def called(self, endpoint: str, method: str, status: str, seconds: float, answer_bytes: int) -> None:
        """One call to Xero (connectors.xero.client.CallMetrics). Status "0" is no answer."""
        self.xero_requests.labels(endpoint, method, status).inc()
        self.xero_seconds.labels(endpoint).observe(seconds)
        self.xero_bytes.inc(answer_bytes)

    def throttled(self, window: str) -> None:
        """One 429 (streams.sender.parts.SenderMetrics)."""
        self.xero_throttled.labels(window).inc()

    def waited(self, seconds: float) -> None:
        """A call waited for a slot (streams.sender.parts.SenderMetrics)."""
        self.xero_wait_seconds.inc(seconds)

    def app_minute_left(self, calls: int) -> None:
        """What Xero said is left of the app's own minute."""
        self._app_minute = (calls, self._elapsed())

    def token(self, result: str) -> None:
        """One request for an access token, by how it ended: ok, refused, unavailable."""
        self.xero_token_refresh.labels(result).inc()

    def token_ends(self, kind: str, at: float) -> None:
        """When the token in use ends, in seconds since 1970."""
        self.xero_token_expiry.labels(kind).set(at)

    def _app_minute_now(self) -> float:
        # A reading is of its minute; the next one begins with all calls.
        calls, read_at = self._app_minute
        return calls if self._elapsed() - read_at < _APP_MINUTE_S else APP_MINUTE_LIMIT

    def _ingest(self) -> None:
        self.webhook_requests = self._counter(
            "ledgerstream_webhook_requests_total", "Requests at the receiver, by how they ended.", "source", "result"
        )
        self.webhook_seconds = self._histogram(
            "ledgerstream_webhook_request_duration_seconds", "Time to answer a request.", _WEBHOOK_BUCKETS, "source"
        )
        self.source_last_event = self._gauge(
            "ledgerstream_source_last_event_timestamp_seconds", "When a source was last heard.", "source"
        )
        # To look a series up by its labels costs more than to count in it, and every request does both.
        self._took = {source: self.webhook_seconds.labels(source) for source in self.sources}
        self._ended = {
            (source, result): self.webhook_requests.labels(source, result)
            for source in self.sources
            for result in RESULTS
        }

    def _stream(self) -> None:
        self.events = self._counter(
            "ledgerstream_events_total",
            "Events that came to an end, by which; one that is mended and booked does twice.",
            "source",
            "event_type",
            "disposition",
        )
        self.deduplicated = self._counter(
            "ledgerstream_events_deduplicated_total",
            "What was known already: events by their key, commands by their effect.",
            "source",
            "key_kind",
        )
        self.processing_seconds = self._histogram(
            "ledgerstream_event_processing_duration_seconds", "Time of an agent for one run.", _CALL_BUCKETS, "agent"
        )
        self.event_age_seconds = self._histogram(
            "ledgerstream_event_age_seconds", "Now less the business time, at a stage.", _AGE_BUCKETS, "stage"
        )
        self.schema_rejections = self._counter(
            "ledgerstream_schema_rejections_total", "Records that did not fit a contract.", "event_type", "version"
        )
        for agent in AGENTS:
            self.processing_seconds.labels(agent)
        for stage in _AGES:
            self.event_age_seconds.labels(stage)
        for row in EVENT_TYPES.values():
            self.schema_rejections.labels(row.name, str(row.version))
        for source in self.sources:
            for kind in ("event", "effect"):
                self.deduplicated.labels(source, kind)
            for name in (*(row.name for row in EVENT_TYPES.values() if not row.draft), UNKNOWN):
                for disposition in _ENDS:
                    self.events.labels(source, name, disposition)

    def _xero(self) -> None:
        self.xero_requests = self._counter(
            "ledgerstream_xero_requests_total", "Calls to Xero; status 0 is no answer.", "endpoint", "method", "status"
        )
        self.xero_seconds = self._histogram(
            "ledgerstream_xero_request_duration_seconds", "Time of a call to Xero.", _CALL_BUCKETS, "endpoint"
        )
        self.xero_remaining = self._gauge(
            "ledgerstream_xero_rate_limit_remaining", "Calls left, of the tenant that has the fewest.", "window"
        )
        self.xero_limit = self._gauge("ledgerstream_xero_rate_limit_limit", "Calls allowed.", "window")
        self.xero_throttled = self._counter("ledgerstream_xero_throttled_total", "429 answers.", "window")
        self.xero_wait_seconds = self._counter(
            "ledgerstream_xero_throttle_wait_seconds_total", "Time spent waiting for Xero's limits."
        )
        self.xero_commands = self._counter(
            "ledgerstream_xero_commands_total", "Commands that came into a state.", "command", "state"
        )
        self.xero_pending = self._gauge("ledgerstream_xero_commands_pending", "Commands not yet sent.", "priority")
        self.xero_oldest_pending = self._gauge(
            "ledgerstream_xero_oldest_pending_command_timestamp_seconds",
            "When the oldest pending command came; NaN: none waits.",
        )
        self.xero_oldest_pending.set(NONE)
        self.xero_token_expiry = self._gauge(
            "ledgerstream_xero_token_expiry_timestamp_seconds", "When the token of the kind ends.", "kind"
        )
        self.xero_token_refresh = self._counter(
            "ledgerstream_xero_token_refresh_total", "Token requests, by how they ended.", "result"
        )
        self.xero_bytes = self._counter("ledgerstream_xero_response_bytes_total", "Bytes that Xero answered (egress).")
        self.xero_egress = self._gauge(
            "ledgerstream_xero_egress_month_bytes", "Bytes that Xero answered this month, for all organisations."
        )
        self.xero_egress_allowance = self._gauge(
            "ledgerstream_xero_egress_allowance_bytes", "What Xero's plan includes a month; NaN: the setting is unset."
        )
        self.xero_egress_allowance.set(NONE)
        for window in get_args(Window):
            self.xero_throttled.labels(window)
        for endpoint in _ENDPOINTS:
            self.xero_seconds.labels(endpoint)
        for result in ("ok", "refused", "unavailable"):
            self.xero_token_refresh.labels(result)
        self.xero_limit.labels("appminute").set(APP_MINUTE_LIMIT)
        self.xero_remaining.labels("appminute").set_function(self._app_minute_now)
        for payload in get_args(AnyPayload):
            for state in COMMAND_STATES:
                self.xero_commands.labels(payload.__name__, state)

    def _dead_letters(self) -> None:
        self.dlq_records = self._counter("ledgerstream_dlq_records_total", "Dead letters made.", "error_class", "stage")
        self.dlq_open = self._gauge("ledgerstream_dlq_open_records", "Dead letters that nobody mended.", "error_class")
        self.dlq_oldest = self._gauge(
            "ledgerstream_dlq_oldest_open_timestamp_seconds",
            "When the oldest open dead letter was made; NaN: none is open.",
        )
        self.dlq_oldest.set(NONE)
        self.dlq_replays = self._counter("ledgerstream_dlq_replays_total", "Replays, by how they ended.", "result")
        self.dlq_replays.labels("replayed")
        for cause in CAUSES:
            self.dlq_open.labels(cause)
            for stage in STAGES:
                self.dlq_records.labels(cause, stage)

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(name, words, labels, registry=self.registry)

    def _gauge(self, name: str, words: str, *labels: str) -> Gauge:
        return Gauge(name, words, labels, registry=self.registry)

    def _histogram(self, name: str, words: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, words, labels, registry=self.registry, buckets=buckets)
