"""The metrics: one registry, names as in the operations guide, labels bounded, every known label set shown from 0.

Nothing is labelled by order, contact or tenant: there may be thousands. Per-tenant figures come from the ledger.
"""

from importlib.metadata import version
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from connectors.receiver import RESULTS, Result
from schemas.events import EVENT_TYPES
from schemas.states import CAUSES, COMMAND_STATES, DISPOSITIONS

AGENTS: Final = ("normalise", "translate", "intake")
WINDOWS: Final = ("minute", "day", "appminute", "concurrent")
STAGES: Final = ("verify", "normalise", "translate", "intake", "plan", "send")
ENDPOINTS: Final = ("Contacts", "Invoices", "CreditNotes", "Payments", "Organisation")
_WEBHOOK_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_CALL_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_AGE_BUCKETS: Final = (1, 5, 15, 60, 300, 900, 3600, 14400, 86400)


class MetricsRegistry:
    """Every metric of a process. Sources are known from the tenant files, so theirs are shown from 0 as well."""

    def __init__(self, sources: tuple[str, ...] = ()) -> None:
        self.registry = CollectorRegistry()
        self.sources = (*sources, "unknown")
        self._ingest()
        self._stream()
        self._xero()
        self._dead_letters()
        build = self._gauge("ledgerstream_build_info", "The version that runs.", "version")
        build.labels(version("ledgerstream")).set(1)

    def source_label(self, source: str) -> str:
        """A bounded label: a source that is not configured is `unknown`."""
        return source if source in self.sources else "unknown"

    def webhook_request(self, source: str, result: Result, duration_s: float) -> None:
        """One request at the receiver (connectors.receiver.ReceiverMetrics)."""
        label = self.source_label(source)
        self.webhook_requests.labels(label, result).inc()
        self.webhook_seconds.labels(label).observe(duration_s)

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

    def token(self, result: str) -> None:
        """One request for an access token, by how it ended: ok, refused, unavailable."""
        self.xero_token_refresh.labels(result).inc()

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
        for source in self.sources:
            self.webhook_seconds.labels(source)
            for result in RESULTS:
                self.webhook_requests.labels(source, result)

    def _stream(self) -> None:
        self.events = self._counter(
            "ledgerstream_events_total", "Events whose way ended, by where.", "event_type", "disposition"
        )
        self.deduplicated = self._counter(
            "ledgerstream_events_deduplicated_total", "Events that were known already.", "source", "key_kind"
        )
        self.processing_seconds = self._histogram(
            "ledgerstream_event_processing_duration_seconds", "Time of an agent for one run.", _CALL_BUCKETS, "agent"
        )
        self.event_age_seconds = self._histogram(
            "ledgerstream_event_age_seconds", "Now less the business time, at a stage.", _AGE_BUCKETS, "stage"
        )
        self.agent_restarts = self._counter("ledgerstream_agent_restarts_total", "Starts after a crash.", "agent")
        self.schema_rejections = self._counter(
            "ledgerstream_schema_rejections_total", "Records that did not fit a contract.", "event_type", "version"
        )
        for agent in AGENTS:
            self.processing_seconds.labels(agent)
            self.agent_restarts.labels(agent)
        for row in EVENT_TYPES.values():
            for disposition in DISPOSITIONS:
                self.events.labels(row.name, disposition)

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
        self.xero_commands = self._gauge("ledgerstream_xero_commands", "Commands, by state.", "command", "state")
        self.xero_pending = self._gauge("ledgerstream_xero_commands_pending", "Commands not yet sent.", "priority")
        self.xero_oldest_pending = self._gauge(
            "ledgerstream_xero_oldest_pending_command_timestamp_seconds",
            "When the oldest pending command came; 0: none.",
        )
        self.xero_token_expiry = self._gauge(
            "ledgerstream_xero_token_expiry_timestamp_seconds", "When the token of the kind ends.", "kind"
        )
        self.xero_token_refresh = self._counter(
            "ledgerstream_xero_token_refresh_total", "Token requests, by how they ended.", "result"
        )
        self.xero_bytes = self._counter("ledgerstream_xero_response_bytes_total", "Bytes that Xero answered (egress).")
        for window in WINDOWS:
            self.xero_throttled.labels(window)
        for endpoint in ENDPOINTS:
            self.xero_seconds.labels(endpoint)
        for result in ("ok", "refused", "unavailable"):
            self.xero_token_refresh.labels(result)

    def _dead_letters(self) -> None:
        self.dlq_records = self._counter("ledgerstream_dlq_records_total", "Dead letters made.", "error_class", "stage")
        self.dlq_open = self._gauge("ledgerstream_dlq_open_records", "Dead letters that nobody mended.", "error_class")
        self.dlq_oldest = self._gauge(
            "ledgerstream_dlq_oldest_open_timestamp_seconds", "When the oldest open dead letter was made; 0: none."
        )
        self.dlq_replays = self._counter("ledgerstream_dlq_replays_total", "Replays, by how they ended.", "result")
        for cause in CAUSES:
            self.dlq_open.labels(cause)
            for stage in STAGES:
                self.dlq_records.labels(cause, stage)

    def command_states(self, counts: dict[tuple[str, str], int]) -> None:
        """Set the gauges of commands by (kind, state); a state without commands shows 0."""
        for kind in {kind for kind, _ in counts}:
            for state in COMMAND_STATES:
                self.xero_commands.labels(kind, state).set(counts.get((kind, state), 0))

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(name, words, labels, registry=self.registry)

    def _gauge(self, name: str, words: str, *labels: str) -> Gauge:
        return Gauge(name, words, labels, registry=self.registry)

    def _histogram(self, name: str, words: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, words, labels, registry=self.registry, buckets=buckets)
