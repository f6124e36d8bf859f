"""What a connector is made of: its configuration, what it gets and what it gives.

A way in has three steps. `verify` proves over the raw bytes which source sent a request, the receiver puts the
request into the topic `raw`, and `normalise`, a pure function, turns it into events. Connectors know neither the
ledger nor Kafka: they get a Publisher and a Status.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol, final

import msgspec

from schemas.codec import BODY_BYTES_MAX
from schemas.commands import Ignored, RefusedEvent
from schemas.envelope import Envelope
from schemas.raw import RawRecord
from schemas.status import EventStatus
from schemas.topics import TopicName

_MASK: Final = "********"
REQUESTS_PER_MINUTE: Final = 60_000

ConnectorKind = Literal["cloudevents", "stripe", "shopify", "outbox", "xero"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a source of one kind is given in `sources.yaml`. It stands apart from the registry, because files are
    checked without loading every connector with its library.

    `signs_with`: the secret of its webhooks, in words for whoever looks for it; None for a kind without a door of its
    own. `payments`: it is a payment gateway, which tells of money and not of orders, so it needs `order_source` and
    clearing accounts. `api`: it may have one, which is swept. `shares`: one secret signs for several sources, as that
    of an app does for every shop that it is in.
    """

    signs_with: str | None
    payments: bool
    api: bool
    shares: bool = False


NEEDS: Final[Mapping[ConnectorKind, Needs]] = {
    "cloudevents": Needs(signs_with=None, payments=False, api=False),
    "stripe": Needs(signs_with="the signing secret of the webhook endpoint there", payments=True, api=True),
    "shopify": Needs(signs_with="the client secret of the shop's app", payments=False, api=True, shares=True),
    "outbox": Needs(signs_with=None, payments=False, api=False),
    "xero": Needs(signs_with="the key of the webhook in Xero's developer portal", payments=False, api=False),
}


@final
class Secret:
    """A secret text. What prints, logs or compares it sees a mask; `reveal` is the one way to the value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        if not value.strip():
            # An empty secret would let in everyone who sends an empty token.
            raise ValueError("a secret is empty: set it to the value that the source signs or authenticates with")
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the function that needs it."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({_MASK})"

    def __str__(self) -> str:
        return _MASK


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxConfig:
    """An outbox in a company's own database: `url` is its address with the password, `table` the outbox's name, with
    its schema if it needs one. It is looked at every `poll_s` seconds; what was published is kept for `keep_days`."""

    url: Secret
    table: str = "outbox"
    poll_s: float = 1.0
    keep_days: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiConfig:
    """A source's own API: `url` is its address without a slash at the end, and nothing else is ever asked. It is swept
    every `every_s` seconds for what changed (connectors.sweeping)."""

    url: str
    token: Secret
    every_s: float = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConfig:
    """One configured instance of a connector, such as `shop-1`.

    `secrets` sign, `tokens` are bearer tokens; several of each are valid while one is being replaced. `live`: only
    business of live mode may come in; a test source says False. `body_bytes_max` bounds one request. The rest is for
    payment gateways: `order_source` is the source whose orders are paid there, found by `order_metadata_keys`, then
    by `order_reference_fields`; `gateway` is the name that the tenant files know it by. `outbox` is set for
    the connector of that name alone, `api` where the source's API is asked as well. `requests_per_minute` bounds what
    the receiver takes of it, so that one source that runs wild does not take the place of the others.
    """

    name: str
    connector: ConnectorKind
    secrets: tuple[Secret, ...] = ()
    tokens: tuple[Secret, ...] = ()
    live: bool = True
    order_source: str | None = None
    order_metadata_keys: tuple[str, ...] = ()
    order_reference_fields: tuple[str, ...] = ()
    gateway: str | None = None
    outbox: OutboxConfig | None = None
    api: ApiConfig | None = None
    body_bytes_max: int = BODY_BYTES_MAX
    requests_per_minute: int = REQUESTS_PER_MINUTE


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it was received: header names in lower case, `target` is path and query as they were sent.

    `public_url` is where senders find the receiver, from the settings (`https://hooks.example.com`, without a slash at
    the end).
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    public_url: str = ""

    @property
    def url(self) -> str:
        """The whole address that its sender called, for sources that sign it.

        No header has a say in it: whoever sends can write any Host or X-Forwarded-Host, and would choose with it what
        the signature is held against.
        """
        return self.public_url + self.target

    def values(self, name: str) -> tuple[str, ...]:
        """Every value of the header `name` (in lower case), in order."""
        return tuple(value for known, value in self.headers if known == name)


class Unauthentic(Exception):
    """The request proves no source. `stale`: the proof would have held at another time.

    Which part failed is for our metrics alone; the sender is told nothing that would help to guess.
    """

    def __init__(self, *, stale: bool = False) -> None:
        super().__init__("the request proves no source")
        self.stale = stale


Verifier = Callable[[HttpRequest], tuple[SourceConfig, ...]]


@final
class VerifiedBody:
    """A request whose senders are proven. There is no way to make one but to have `verifier` look at the raw bytes,
    so what takes a VerifiedBody cannot be given anything else; `verifier` raises Unauthentic.

    `sources` are those that the proof is good for; it is one, unless two sources share a credential.
    """

    __slots__ = ("request", "sources")

    def __init__(self, request: HttpRequest, verifier: Verifier) -> None:
        self.sources: Final = verifier(request)
        if not self.sources:
            raise Unauthentic
        self.request: Final = request

    @property
    def body(self) -> bytes:
        return self.request.body

    def speaks_for(self, source: str) -> bool:
        """Whether the sender may tell events of this source."""
        return any(config.name == source for config in self.sources)


class Unfit(msgspec.Struct, frozen=True, kw_only=True):
    """One of several events in a raw record, that does not fit: a dead letter. `id` and `type` are what the source
    calls it, None where that cannot be read."""

    refused: RefusedEvent
    id: str | None = None
    type: str | None = None


class Events(msgspec.Struct, frozen=True):
    """The events that a raw record tells, and the `unfit` ones beside them, which must not keep the others back: at
    least one of either."""

    envelopes: tuple[Envelope, ...]
    unfit: tuple[Unfit, ...] = ()


Normalised = Events | Ignored | RefusedEvent

Normalise = Callable[[RawRecord, SourceConfig], Normalised]
"""Pure: the same record always gives the same events, with the same ids, so that reading it again books nothing."""

Verify = Callable[[HttpRequest, SourceConfig, datetime], None]
"""Returns if the request was signed by the source, at a time near the given one; raises Unauthentic otherwise."""


Names = Callable[[RawRecord], tuple[str | None, str | None]]
"""Pure: the id and the type that the source gave what a request is about, each None where it cannot be read."""


def nameless(_record: RawRecord) -> tuple[str | None, str | None]:
    """For sources that name nothing, or whose names are not read yet."""
    return None, None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a source expects of whoever takes its webhooks: the status for what was `accepted` and for what is
    `unauthentic`, whether these two have to be `empty`, and `within_s`, the seconds that it waits for an answer."""

    accepted: int = 200
    unauthentic: int = 400
    empty: bool = False
    within_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Connector:
    """One kind of source with a door of its own. `kept_headers` (lower case) go along into the raw record; `named` is
    asked for what becomes of requests that tell no event."""

    kind: ConnectorKind
    verify: Verify
    normalise: Normalise
    kept_headers: tuple[str, ...] = ()
    named: Names = nameless
    answers: Answers = Answers()


@dataclass(frozen=True, slots=True)
class RecordPosition:
    """Where the broker stored a record. `topic` is its full name, with the prefix."""

    topic: str
    partition: int
    offset: int


class PublishFailed(Exception):
    """The broker did not acknowledge the record in time. It may be stored all the same; it must be sent again."""


class Publisher(Protocol):
    """The way into Kafka."""

    async def publish(
        self, topic: TopicName, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> RecordPosition:
        """Returns only when the broker has acknowledged the record (acks=all), within a bounded time.

        Calls that start in one order are stored in that order per key. Raises PublishFailed.
        """
        ...


class StatusUnavailable(Exception):
    """The ledger cannot be asked just now."""


class Status(Protocol):
    """What became of an event, from the ledger."""

    async def of_event(self, source: str, id: str) -> EventStatus | None:
        """None while the ledger does not know the event. Raises StatusUnavailable."""
        ...


class Clock(Protocol):
    """Time, as an argument."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        ...

    def elapsed(self) -> float:
        """Seconds since some moment, never going back."""
        ...
