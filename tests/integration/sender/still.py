"""A sender, a ledger and a sandbox on one clock that stands still: only a wait of the sender moves it.

One call at a time, so that a test can say after how many seconds which call goes out.
"""

import asyncio
import contextlib
import datetime as dt
import shutil
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from connectors.xero.auth import AuthRefused, ClientCredentials
from connectors.xero.client import XeroClient
from connectors.xero.sandbox import Sandbox, Switches
from connectors.xero.sandbox.clock import ManualClock
from connectors.xero.ticket import Answer, NoAnswer, Ticket
from schemas.commands import CommandRecord
from streams.core import plan
from streams.core.plan import ReadDocuments, SendWrites, Settle
from streams.core.situation import OpenCall
from streams.ledger import Ledger, open_ledger
from streams.ledger.calls import Wait
from streams.sender import reading
from streams.sender.drive import Drive
from streams.sender.gate import Point
from streams.sender.parts import Organisation, Parts
from tests.integration.sender.stream import TENANT
from tests.integration.sender.world import RATES, Counts

START = dt.datetime(2026, 11, 24, 9, 0, tzinfo=dt.UTC)
_REAL_TIMEOUT_S = 0.25
# How long the sandbox gets to do what has become due: it has only to be let run.
_DUE_S = 0.01


class Died(Exception):
    """The worker ended at the point that the test named."""


class SenderClock:
    """The sender's and ledger's face of the sandbox's clock. To wait is to move it."""

    def __init__(self, time: ManualClock) -> None:
        self._time = time

    def now(self) -> dt.datetime:
        return self._time.now()

    def elapsed(self) -> float:
        return self._time.seconds()

    async def sleep(self, seconds: float) -> None:
        self._time.advance(seconds)
        await asyncio.sleep(_DUE_S)


class StillClient:
    """The real client. A call that hangs is given up after a moment, and the clock is moved on by its timeout."""

    def __init__(self, real: XeroClient, clock: SenderClock) -> None:
        self._real = real
        self._clock = clock
        # How many of the next writes find nobody at the other end, and how many of the next looks have no token.
        self.refused = 0
        self.looks_without_token = 0

    async def authorise(self) -> None:
        await self._real.authorise()

    async def send(self, ticket: Ticket) -> Answer | NoAnswer:
        if self.refused and ticket.purpose == "write":
            self.refused -= 1
            return NoAnswer(left=False, detail="no connection to Xero: ClientConnectorError")
        if self.looks_without_token and ticket.purpose == "look":
            self.looks_without_token -= 1
            raise AuthRefused("invalid_client", "Check the client id, then `ledgerstream resume`.")
        outcome = await self._real.send(msgspec.structs.replace(ticket, timeout_s=_REAL_TIMEOUT_S))
        if isinstance(outcome, NoAnswer) and "Timeout" in outcome.detail:
            await self._clock.sleep(ticket.timeout_s)
        return outcome


class StillWorld:
    """Everything that a test looks at."""

    def __init__(
        self, sandbox: Sandbox, ledger: Ledger, database: Path, clock: SenderClock, client: StillClient
    ) -> None:
        self.sandbox = sandbox
        self.ledger = ledger
        self.clock = clock
        self.client = client
        self.die_at: Point | None = None
        self.parts = Parts(ledger, client, clock, Counts(), "worker", gate=self._gate)
        self._organisation = Organisation(TENANT, sandbox.organisations[0].tenant_id, RATES)
        self._database = database
        self._offset = 0
        # A worker that is to die does so at a write, not at what it read before.
        self._is_writing = False

    def _gate(self, point: Point) -> None:
        if self._is_writing and point == self.die_at:
            self.die_at = None
            raise Died

    async def begin(self) -> None:
        self._offset = (await self.ledger.intake.offsets([0])).get(0, 0)

    async def feed(self, records: Sequence[CommandRecord]) -> None:
        self._offset += len(records)
        await self.ledger.intake.take_in(records, (0, self._offset))

    async def work(self) -> None:
        """Do what a tenant's sender does, one thing after another, until nothing is left. Raises Died."""
        while True:
            lease = await self.ledger.leases.acquire(TENANT, "worker", 60.0)
            assert lease is not None
            for call in await self.ledger.recovery.open_calls(TENANT):
                await Drive(self.parts, self._organisation, lease.fence, call).rest()
            situation = await self.ledger.situation.read(TENANT)
            step = plan.next_step(situation, RATES)
            if isinstance(step, Settle):
                await self.ledger.results.settle_without_call(step.results, TENANT, lease.fence)
            elif isinstance(step, plan.Wait):
                away = await self.ledger.situation.next_not_before(TENANT)
                held = None if step.until is None else (step.until - situation.now).total_seconds()
                waits = [one for one in (away, held) if one is not None]
                if not waits:
                    return
                await self.clock.sleep(min(waits))
            else:
                await self._call(step, lease.fence)

    async def _call(self, step: SendWrites | ReadDocuments, fence: int) -> None:
        self._is_writing = isinstance(step, SendWrites)
        await self.client.authorise()
        writes = [item.write for item in step.writes] if isinstance(step, SendWrites) else []
        purpose: Any = "write" if writes else "read"
        xero = self._organisation.xero_tenant_id
        ticket = await self.ledger.calls.open(writes, step.request, purpose, TENANT, xero, fence)
        if isinstance(ticket, Wait):
            await self.clock.sleep(ticket.seconds)
        elif isinstance(step, ReadDocuments):
            await reading.read(self.parts, self._organisation, ticket, step)
        else:
            await Drive(self.parts, self._organisation, fence, _opened(ticket, step)).first(ticket)

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        with contextlib.closing(sqlite3.connect(self._database)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(statement, values)]

    def books(self) -> dict[str, Any]:
        return self.sandbox.books(self._organisation.xero_tenant_id)


def _opened(ticket: Ticket, step: SendWrites) -> OpenCall:
    request = ticket.request
    return OpenCall(
        call=ticket.call,
        tenant=ticket.tenant,
        method=request.method,
        path=request.path,
        query=request.query,
        body=request.body,
        idempotency_key=request.idempotency_key,
        opened_at=ticket.opened_at,
        sends=(),
        looks=0,
        next_look_at=None,
        writes=step.writes,
    )


@contextlib.asynccontextmanager
async def still_world(
    folder: Path, switches: Switches | None = None, after: Path | None = None
) -> AsyncIterator[StillWorld]:
    """A world in `folder`, as the one in the folder `after` was left."""
    if after is not None:
        shutil.copytree(after, folder, dirs_exist_ok=True)
    time = ManualClock(START)
    clock = SenderClock(time)
    sandbox = Sandbox(clock=time, switches=switches or Switches(), state_path=folder / "sandbox.json")
    database = folder / "ledger.db"
    async with contextlib.AsyncExitStack() as stack:
        address = await stack.enter_async_context(sandbox.serve())
        session = await stack.enter_async_context(aiohttp.ClientSession())
        secrets = sandbox.credentials
        given = (session, f"{address.identity_url}/connect/token", secrets.client_id, secrets.client_secret)
        real = XeroClient(
            address.api_url, ClientCredentials(*given, clock.elapsed, lambda _: None), clock.elapsed, Counts()
        )
        await real.start()
        stack.push_async_callback(real.close)
        ledger = await open_ledger(f"sqlite:///{database}", clock)
        stack.push_async_callback(ledger.close)
        world = StillWorld(sandbox, ledger, database, clock, StillClient(real, clock))
        await world.begin()
        yield world
