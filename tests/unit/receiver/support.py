"""A receiver on a real port, over parts that live in memory, and the requests that tests send to it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp

from connectors import auth
from connectors.base import (
    Clock,
    Connector,
    ConnectorKind,
    HttpRequest,
    Normalised,
    PublishFailed,
    RecordPosition,
    Secret,
    SourceConfig,
    StatusUnavailable,
)
from connectors.receiver import Limits, Result, create_app, serve
from connectors.stripe.verify import verify
from schemas.envelope import STRUCTURED
from schemas.raw import RawRecord
from schemas.status import EventStatus
from schemas.topics import TopicName

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
NOW_S = int(NOW.timestamp())

SHOP = SourceConfig(
    name="shop-1",
    connector="cloudevents",
    secrets=(Secret("shop-1 old secret"), Secret("shop-1 new secret")),
    tokens=(Secret("shop-1-token"), Secret("shop-1-next-token")),
)
CRM = SourceConfig(
    name="crm-1", connector="cloudevents", secrets=(Secret("crm-1 secret"),), tokens=(Secret("crm-1-token"),)
)
STRIPE = SourceConfig(
    name="stripe-1",
    connector="stripe",
    secrets=(Secret("whsec_one"), Secret("whsec_two")),
    tokens=(Secret("stripe-1-token"),),
)
SMALL = SourceConfig(name="small-1", connector="cloudevents", tokens=(Secret("small-1-token"),), body_bytes_max=100)

BEARER = {"Authorization": "Bearer shop-1-token"}
ORDER_TYPE = "com.ledgerstream.OrderPlaced.v1"


def _unread(record: RawRecord, config: SourceConfig) -> Normalised:
    raise AssertionError("the receiver must pass webhooks on without reading them")


STRIPE_DOOR = Connector(kind="stripe", verify=verify, normalise=_unread, kept_headers=("x-shop-topic",))


Stored = tuple[TopicName, bytes, bytes, dict[str, bytes]]


class MemoryPublisher:
    """A broker in memory. `away`: it acknowledges nothing; `silent`: it does not even say so. `refused_keys`: it does
    not acknowledge these."""

    def __init__(self) -> None:
        self.records: list[Stored] = []
        self.away = False
        self.silent = False
        self.refused_keys: set[bytes] = set()

    async def publish(
        self, topic: TopicName, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> RecordPosition:
        if self.silent:
            await asyncio.Event().wait()
        if self.away or key in self.refused_keys:
            raise PublishFailed("no broker")
        self.records.append((topic, key, value, dict(headers)))
        return RecordPosition(f"ledgerstream.{topic}", 0, len(self.records) - 1)


@dataclass
class MemoryStatus:
    """A ledger in memory."""

    known: dict[tuple[str, str], EventStatus] = field(default_factory=dict)
    away: bool = False

    async def of_event(self, source: str, id: str) -> EventStatus | None:
        if self.away:
            raise StatusUnavailable("locked")
        return self.known.get((source, id))


@dataclass
class Counted:
    """Metrics that remember every call."""

    requests: list[tuple[str, Result]] = field(default_factory=list)
    misfits: list[str | None] = field(default_factory=list)

    def webhook_request(self, source: str, result: Result, duration_s: float) -> None:
        assert duration_s >= 0
        self.requests.append((source, result))

    def schema_rejection(self, event_type: str | None) -> None:
        self.misfits.append(event_type)


class FixedClock:
    """Half past nine, for ever."""

    def now(self) -> datetime:
        return NOW

    def elapsed(self) -> float:
        return 0.0


class MachineClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def elapsed(self) -> float:
        return time.monotonic()


@dataclass
class Reply:
    """An answer, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Running:
    """A receiver that serves, and the parts it was given."""

    url: str
    http: aiohttp.ClientSession
    publisher: MemoryPublisher
    status: MemoryStatus
    metrics: Counted
    missing: list[str]

    async def call(self, method: str, path: str, **options: Any) -> Reply:
        async with self.http.request(method, self.url + path, **options) as response:
            return Reply(response.status, response.headers, await response.read())

    async def send(self, body: bytes, headers: Mapping[str, str], query: str = "") -> Reply:
        return await self.call("POST", "/v1/events" + query, data=body, headers=headers)

    async def send_event(self, document: Any, headers: Mapping[str, str] = BEARER, query: str = "") -> Reply:
        """One event in structured mode."""
        return await self.send(json.dumps(document).encode(), {"Content-Type": STRUCTURED, **headers}, query)

    @property
    def last(self) -> tuple[str, Result]:
        """How the last request was counted."""
        return self.metrics.requests[-1]


@asynccontextmanager
async def running(
    limits: Limits | None = None,
    clock: Clock | None = None,
    connectors: Mapping[ConnectorKind, Connector] | None = None,
    sources: Sequence[SourceConfig] = (SHOP, CRM, STRIPE, SMALL),
    public_url: str = "",
) -> AsyncIterator[Running]:
    publisher, status, metrics = MemoryPublisher(), MemoryStatus(), Counted()
    missing: list[str] = []

    async def not_ready() -> str | None:
        return missing[0] if missing else None

    app = create_app(
        {config.name: config for config in sources},
        connectors=connectors or {STRIPE_DOOR.kind: STRIPE_DOOR},
        publisher=publisher,
        status=status,
        metrics=metrics,
        clock=clock or FixedClock(),
        not_ready=not_ready,
        limits=limits,
        public_url=public_url,
        random_bytes=lambda count: b"\xab" * count,
    )
    async with serve(app, "127.0.0.1", 0) as (host, port), aiohttp.ClientSession() as http:
        yield Running(f"http://{host}:{port}", http, publisher, status, metrics, missing)


def order(number: str = "1001", **fields: Any) -> dict[str, Any]:
    """An order's data."""
    return {
        "order_id": number,
        "number": number,
        "placed_at": "2026-11-24T09:00:00Z",
        "currency": "GBP",
        "customer": {"name": "Ada Smith"},
        "lines": [{"id": "1", "description": "Mug", "unit_amount": "12.00"}],
        "total": "12.00",
        "taxes_included": True,
        **fields,
    }


def event(event_id: str = "evt_1", **attributes: Any) -> dict[str, Any]:
    """A CloudEvent in structured mode."""
    document = {"specversion": "1.0", "id": event_id, "source": "shop-1", "type": ORDER_TYPE, "data": order()}
    return {**document, **attributes}


def signature(
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    secret: Secret = SHOP.secrets[0],
    at: int = NOW_S,
    method: str = "POST",
    target: str = "/v1/events",
) -> dict[str, str]:
    """The header that signs a request."""
    named = tuple((name.lower(), value) for name, value in (headers or {}).items())
    return {auth.SIGNATURE_HEADER: auth.sign(secret, HttpRequest(method, target, named, body), at)}
