"""What the receiver is given, and what it notes about each request."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol, get_args

from aiohttp import web

from connectors.base import Clock, Connector, ConnectorKind, Publisher, SourceConfig, Status
from connectors.receiver.crowd import Crowd
from connectors.receiver.rates import Rates
from schemas.codec import BODY_BYTES_MAX

# How a request ended, as metrics and log say it.
Result = Literal[
    "accepted",
    "partly_accepted",
    "validated",
    "answered",
    "bad_signature",
    "stale",
    "unparseable",
    "unknown_type",
    "too_large",
    "unsupported",
    "slow",
    "not_found",
    "unavailable",
    "overloaded",
    "throttled",
    "error",
]

RESULTS: Final[tuple[Result, ...]] = get_args(Result)

UNKNOWN_SOURCE: Final = "unknown"


class ReceiverMetrics(Protocol):
    """Counts requests: `ledgerstream_webhook_requests_total` and `ledgerstream_webhook_request_duration_seconds`; and
    events that do not fit their contract: `ledgerstream_schema_rejections_total`."""

    def webhook_request(self, source: str, result: Result, duration_s: float) -> None:
        """Called once a request. `source` is a configured one, else `unknown`, so that no sender can make labels."""
        ...

    def schema_rejection(self, event_type: str | None) -> None:
        """Called once an event that is refused for its content. `event_type` as the sender wrote it, None if it could
        not be read."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one receiver takes on at most. `in_flight_max` are the requests that it works on, `unread_max` those whose
    body it waits for: so many bodies, of `body_bytes_max` each, are in memory."""

    body_bytes_max: int = BODY_BYTES_MAX
    body_timeout_s: float = 10.0
    publish_timeout_s: float = 4.5  # Shopify and Xero give a receiver 5 s
    in_flight_max: int = 200
    unread_max: int = 200
    retry_after_s: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything that the handlers use. `not_ready` says in one sentence what is missing, or None. `public_url`: see
    connectors.base.HttpRequest."""

    sources: Mapping[str, SourceConfig]
    connectors: Mapping[ConnectorKind, Connector]
    publisher: Publisher
    status: Status
    metrics: ReceiverMetrics
    clock: Clock
    random_bytes: Callable[[int], bytes]
    not_ready: Callable[[], Awaitable[str | None]]
    limits: Limits
    public_url: str
    rates: Rates
    crowd: Crowd


@dataclass(slots=True)
class Trail:
    """What the handlers find out about the request, for metrics and log."""

    result: Result = "answered"
    source: str = UNKNOWN_SOURCE


PARTS: Final = web.AppKey("parts", Parts)
TRAIL: Final = web.RequestKey("trail", Trail)
