"""A sender on a real SQLite ledger against the sandbox, in the test's own process."""

import asyncio
import contextlib
import datetime as dt
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp

from connectors.xero.auth import ClientCredentials
from connectors.xero.client import XeroClient
from connectors.xero.sandbox import Address, Sandbox, Switches
from connectors.xero.ticket import Ticket
from schemas.commands import CommandRecord
from streams.clock import Clock, SystemClock
from streams.core.after import Patience
from streams.ledger import Ledger, open_ledger
from streams.sender.gate import Gate, open_gate
from streams.sender.loop import Sender
from streams.sender.parts import Organisation, Parts

RATES = {"OUTPUT2": Decimal(20), "RROUTPUT": Decimal(5), "ZERORATEDOUTPUT": Decimal(0), "NONE": Decimal(0)}
# Everything that a real worker waits minutes for, in seconds.
HURRIED = Patience(
    timeout_s=1.5, resend_within_s=300.0, resend_after_s=(0.1, 0.3, 0.5), look_after_error_s=0.1, look_again_s=0.3
)
# The same, but a key is too old at once: what nobody answered is looked for.
LOOKING = Patience(timeout_s=0.5, resend_within_s=0.0, resend_after_s=(), look_after_error_s=0.1, look_again_s=0.3)


class JumpingClock(SystemClock):
    """The machine's clocks, which a test sets forward."""

    def __init__(self, ahead_s: float = 0.0) -> None:
        self.ahead_s = ahead_s

    def now(self) -> dt.datetime:
        return super().now() + dt.timedelta(seconds=self.ahead_s)

    def elapsed(self) -> float:
        return super().elapsed() + self.ahead_s


@dataclass
class Counts:
    """The client's and sender's metrics."""

    calls: list[tuple[str, str, str]] = field(default_factory=list)
    throttles: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    listed: Counter[str] = field(default_factory=Counter)
    waits: float = 0.0

    def called(self, endpoint: str, method: str, status: str, seconds: float, answer_bytes: int) -> None:
        self.calls.append((endpoint, method, status))

    def throttled(self, window: str) -> None:
        self.throttles.append(window)

    def found(self, source: str, news: int) -> None:
        self.listed[source] += news

    def waited(self, seconds: float) -> None:
        self.waits += seconds


@dataclass
class World:
    """Everything that a test looks at."""

    sandbox: Sandbox
    address: Address
    ledger: Ledger
    database: Path
    sender: Sender
    counts: Counts
    _offset: int = 0

    @property
    def tenant_id(self) -> str:
        return self.sandbox.organisations[0].tenant_id

    async def feed(self, records: Sequence[CommandRecord]) -> None:
        """Take in as the agent does, and wake the sender."""
        self._offset += len(records)
        await self.ledger.intake.take_in(records, (0, self._offset))
        self.sender.wake()

    async def until_quiet(self, seconds: float = 20.0) -> None:
        """Until nothing is ready and no call is open."""
        await self.until(lambda: not self._busy(), seconds)

    async def until(self, holds: Callable[[], Any], seconds: float = 20.0) -> None:
        for _ in range(int(seconds / 0.02)):
            if holds():
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"not within {seconds} s: {self.commands()}")

    def _busy(self) -> bool:
        return bool(
            self.rows("SELECT 1 FROM commands WHERE state = 'sent' OR (state = 'pending' AND ready_since IS NOT NULL)")
            or self.rows("SELECT 1 FROM calls WHERE state = 'open' AND purpose = 'write'")
        )

    def commands(self) -> dict[str, str]:
        """State by command id."""
        return {row["command_id"]: row["state"] for row in self.rows("SELECT command_id, state FROM commands")}

    def letters(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM dead_letters WHERE state = 'open'")

    def questions(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM questions WHERE state = 'open'")

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(statement, values)]

    def books(self) -> dict[str, Any]:
        return self.sandbox.books(self.tenant_id)


@contextlib.asynccontextmanager
async def world(
    folder: Path,
    *,
    switches: Switches | None = None,
    patience: Patience = HURRIED,
    gate: Gate = open_gate,
    clock: Clock | None = None,
) -> AsyncIterator[World]:
    sandbox = Sandbox(switches=switches or Switches())
    database = folder / "ledger.db"
    async with sandbox.serve() as address:
        ledger = await open_ledger(f"sqlite:///{database}", clock or SystemClock())
        try:
            given = sender_on(sandbox, address, ledger, patience=patience, gate=gate, clock=clock)
            async with given as (sender, counts):
                yield World(sandbox, address, ledger, database, sender, counts)
        finally:
            await ledger.close()


@contextlib.asynccontextmanager
async def sender_on(
    sandbox: Sandbox,
    address: Address,
    ledger: Ledger,
    organisations: Sequence[Organisation] = (),
    *,
    patience: Patience = HURRIED,
    gate: Gate = open_gate,
    clock: Clock | None = None,
) -> AsyncIterator[tuple[Sender, Counts]]:
    """A sender that runs while the block does; without `organisations` for the sandbox's first one."""
    credentials = sandbox.credentials
    given = (address.api_url, address.identity_url, credentials.client_id, credentials.client_secret)
    sends_for = organisations or one_organisation(sandbox.organisations[0].tenant_id)
    async with built(given, sends_for, ledger, patience, gate, clock) as (sender, counts):
        running = asyncio.create_task(sender.run())
        try:
            yield sender, counts
        finally:
            await sender.stop()
            await running


def one_organisation(xero_tenant_id: str) -> Sequence[Organisation]:
    """The British one alone."""
    return [Organisation("uk", xero_tenant_id, RATES)]


@contextlib.asynccontextmanager
async def built(
    given: tuple[str, str, str, str],
    organisations: Sequence[Organisation],
    ledger: Ledger,
    patience: Patience,
    gate: Gate,
    clock: Clock | None,
) -> AsyncIterator[tuple[Sender, Counts]]:
    """A sender as bootstrap builds it. `given`: API, identity, client id and secret."""
    clock, counts = clock or SystemClock(), Counts()
    senders: list[Sender] = []

    def may_leave(ticket: Ticket) -> bool:
        return senders[0].may_leave(ticket)

    async with aiohttp.ClientSession() as session:
        tokens = ClientCredentials(
            session, f"{given[1]}/connect/token", given[2], given[3], clock.elapsed, counts.tokens.append
        )
        client = XeroClient(given[0], tokens, clock.elapsed, counts, may_leave)
        await client.start()
        parts = Parts(ledger, client, clock, counts, "worker", patience, gate, found=counts.found)
        senders.append(Sender(parts, organisations))
        try:
            yield senders[0], counts
        finally:
            await client.close()
