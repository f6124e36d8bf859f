"""What the sender is given by bootstrap, and the little that all its modules share."""

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

import structlog

from connectors.xero.ticket import Answer, NoAnswer, Ticket
from streams.clock import Clock
from streams.core.after import Patience
from streams.core.results import Stop
from streams.ledger import Ledger
from streams.ledger.listening import Organisation as Listened
from streams.ledger.stops import for_scope
from streams.ledger.telling import Voice
from streams.sender.gate import Gate, open_gate
from streams.sender.share import Share

_log = structlog.get_logger()


class Client(Protocol):
    """The way to Xero."""

    async def authorise(self) -> None:
        """Have a token at hand. Raises AuthRefused, AuthUnavailable."""
        ...

    async def send(self, ticket: Ticket) -> Answer | NoAnswer:
        """Send once. Raises AuthRefused, AuthUnavailable before anything left, nothing else."""
        ...


class SenderMetrics(Protocol):
    """What is counted of the limits."""

    def throttled(self, window: str) -> None:
        """A 429 of Xero's; `window` is minute, day, appminute, concurrent or unknown."""
        ...

    def waited(self, seconds: float) -> None:
        """Somebody waited for Xero's limits, so many seconds."""
        ...


def log_stop(tenant: str, stop: Stop) -> None:
    """An organisation is stopped, which nobody but a person ends."""
    _log.error("stopped", tenant=tenant, reason=stop.evidence.message, remedy=for_scope(stop.evidence.remedy, tenant))


@dataclass(frozen=True, slots=True)
class Organisation:
    """A tenant: its Xero organisation, and each tax type's rate in percent from its file. `listened`: as whom what
    changes in its Xero is heard, None where nothing is."""

    tenant: str
    xero_tenant_id: str
    rates: Mapping[str, Decimal]
    listened: Listened | None = None

    @property
    def voice(self) -> Voice | None:
        """Who tells of what Xero shows."""
        return self.listened.voice if self.listened is not None else None


class Stopping(Exception):
    """The worker stops: what is not settled stays in the ledger for the next one."""


@dataclass(slots=True)
class Parts:
    """Everything that is the same for all organisations of a process.

    `owner` names who holds the leases: on SQLite always the same name, because the ledger's lock lets one worker in at
    a time and the next need not wait for the lease of one that died; elsewhere a name of the process's own.
    `on_wire` counts the requests of each tenant that are under way; `share` is how many tenants are ours; `news` is
    called when something of Xero is to be told, and `found` with a source and how much of it only a list showed.
    """

    ledger: Ledger
    client: Client
    clock: Clock
    metrics: SenderMetrics
    owner: str
    patience: Patience = field(default_factory=Patience)
    gate: Gate = open_gate
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    on_wire: Counter[str] = field(default_factory=Counter)
    share: Share = field(default_factory=Share)
    news: Callable[[], None] = lambda: None
    found: Callable[[str, int], None] = lambda _source, _number: None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """What is waited within the block is waited for Xero's limits, and is counted as long as it lasts."""
        began = self.clock.elapsed()
        try:
            yield
        finally:
            self.metrics.waited(self.clock.elapsed() - began)

    async def stop(self, tenant: str, stop: Stop) -> None:
        """Nothing more is planned for the tenant until a person lifts it."""
        evidence = stop.evidence
        await self.ledger.stops.add(
            tenant=tenant, reason=evidence.message, actor="sender", cause=stop.cause, remedy=evidence.remedy
        )
        log_stop(tenant, stop)

    async def until(self, moment: dt.datetime) -> None:
        """Wait until a moment. Raises Stopping as soon as the worker stops."""
        await self.pause((moment - self.clock.now()).total_seconds())

    async def pause(self, seconds: float) -> None:
        """Wait for a while, at least for what is ready to run. Raises Stopping as soon as the worker stops."""
        await self._wait([asyncio.ensure_future(self.clock.sleep(max(seconds, 0.0)))])

    async def pause_until(self, event: asyncio.Event, seconds: float) -> None:
        """Wait for an event, but not longer than a while. Raises Stopping as soon as the worker stops."""
        await self._wait([asyncio.ensure_future(event.wait()), asyncio.ensure_future(self.clock.sleep(seconds))])

    async def _wait(self, ends: "list[asyncio.Future[Any]]") -> None:
        stopping = asyncio.ensure_future(self.stopping.wait())
        try:
            await asyncio.wait({*ends, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in (*ends, stopping):
                one.cancel()
        if self.stopping.is_set():
            raise Stopping
