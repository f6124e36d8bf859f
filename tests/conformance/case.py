"""What the conformance suite has to know of a connector, and how it talks to a receiver that serves it."""

import dataclasses
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import msgspec

from connectors.base import Connector, ConnectorKind, Events, Normalised, Secret, SourceConfig
from connectors.receiver import Limits
from connectors.registry import CONNECTORS
from connectors.sweeping import Sweeper
from schemas import raw
from schemas.envelope import Envelope, from_kafka
from schemas.keys import event_key
from tests.unit.receiver.support import NOW, Reply, Running, Stored, running

PUBLIC_URL = "https://hooks.example.com/books"
NOW_S = int(NOW.timestamp())


def document(value: Any) -> bytes:
    """The value as the bytes of a body."""
    return json.dumps(value).encode()


@dataclass(frozen=True, slots=True)
class Sample:
    """A body as the source sends it, and the keys of the events that it tells (`source:id`), in its order."""

    body: bytes
    keys: tuple[str, ...]


class Clock:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0

    def now(self) -> datetime:
        return (NOW + timedelta(seconds=self.elapsed_s)).astimezone(UTC)

    def elapsed(self) -> float:
        return self.elapsed_s


@dataclass(frozen=True, slots=True)
class Api:
    """A source's API, as the tests have it, with things in it that changed. `sweeper` asks it, as `source` is
    configured; `change` lets one more thing happen there, some time later; `now` is the time there."""

    sweeper: Sweeper
    source: SourceConfig
    now: Callable[[], datetime]
    change: Callable[[], Awaitable[None]]


class Case(ABC):
    """One connector, as a class with these attributes. `test_mode`, `batch` and `thin` stay None where the source has
    no such thing. `partly` is a batch too, of which one event does not fit; its keys are those of the others.

    `source` is a live one with two secrets and a token. `samples` are two or more deliveries that tell events, as the
    source's documentation shows them. `unknown` are bodies of types that are not known; `thin` names a thing without
    telling it. `tolerance_s` is how far a signature's time may be from ours, None where the signature has no time.
    """

    kind: ClassVar[ConnectorKind]
    source: ClassVar[SourceConfig]
    samples: ClassVar[Sequence[Sample]]
    unknown: ClassVar[Sequence[bytes]]
    batch: ClassVar[Sample | None] = None
    partly: ClassVar[Sample | None] = None
    test_mode: ClassVar[Sample | None] = None
    thin: ClassVar[bytes | None] = None
    tolerance_s: ClassVar[int | None] = None
    content_type: ClassVar[str] = "application/json"

    @abstractmethod
    def signed(self, body: bytes, secret: Secret, at: int, url: str) -> Mapping[str, str]:
        """The headers that prove a request, sent at `at` (unix seconds) to `url`; by the source's own library, if it
        has one in Python."""

    def beside(self, body: bytes) -> Mapping[str, str]:
        """The headers that come along with a body and that nobody signs, such as its topic."""
        return {}

    def api(self) -> AbstractAsyncContextManager[Api]:
        """For a connector with a sweep: its API, a sandbox or whatever answers as that does, while the block runs."""
        raise NotImplementedError(f"{self.kind} has a sweep: the case needs an `api` to try it on")

    # What follows is the same for every connector.

    @property
    def connector(self) -> Connector | None:
        """None where events are read at the door, as CloudEvents are."""
        return CONNECTORS.get(self.kind)

    @property
    def path(self) -> str:
        return "/v1/events" if self.connector is None else f"/v1/sources/{self.source.name}"

    @property
    def accepted(self) -> int:
        return 202 if self.connector is None else self.connector.answers.accepted

    @property
    def unauthentic(self) -> int:
        return 401 if self.connector is None else self.connector.answers.unauthentic

    @property
    def sibling(self) -> SourceConfig:
        """Another source of the same kind, with credentials of its own."""
        own = (Secret("the sibling's own secret"),)
        return dataclasses.replace(self.source, name="sibling-1", secrets=own, tokens=own)

    @asynccontextmanager
    async def receiver(
        self, limits: Limits | None = None, clock: Clock | None = None, connector: Connector | None = None, **more: Any
    ) -> AsyncIterator[Running]:
        """A receiver for the source and its sibling; `more` changes the source's configuration."""
        known = self.connector if connector is None else connector
        async with running(
            limits,
            clock or Clock(),
            connectors={} if known is None else {self.kind: known},
            sources=(dataclasses.replace(self.source, **more), self.sibling),
            public_url=PUBLIC_URL,
        ) as started:
            yield started

    def headers(
        self, body: bytes, *, secret: Secret | None = None, at: int = NOW_S, url: str | None = None
    ) -> dict[str, str]:
        """All headers of a request that the source sends."""
        proof = self.signed(body, secret or self.source.secrets[0], at, url or PUBLIC_URL + self.path)
        return {"Content-Type": self.content_type, **proof, **self.beside(body)}

    async def post(self, receiver: Running, body: bytes, headers: Mapping[str, str] | None = None) -> Reply:
        """The body to the source's door, signed as it should be unless other headers are given."""
        return await receiver.call("POST", self.path, data=body, headers=headers or self.headers(body))

    def told(self, record: Stored, config: SourceConfig | None = None) -> Normalised:
        """What a record says that the receiver has put into Kafka."""
        _, _, value, headers = record
        if self.connector is None:
            return Events((from_kafka(headers.items(), value),))
        return self.connector.normalise(raw.from_kafka(headers.items(), value), config or self.source)

    def heard(self, receiver: Running) -> list[Envelope]:
        """The events of everything that was accepted, in its order."""
        outcomes = [self.told(record) for record in receiver.publisher.records]
        return [event for outcome in outcomes if isinstance(outcome, Events) for event in outcome.envelopes]


def keys(events: Sequence[Envelope]) -> list[str]:
    """Their event keys."""
    return [event_key(event.source, event.id) for event in events]


def content(events: Sequence[Envelope]) -> list[Envelope]:
    """The events without their trace, which belongs to the delivery and not to the fact."""
    return [msgspec.structs.replace(event, traceparent=None) for event in events]
