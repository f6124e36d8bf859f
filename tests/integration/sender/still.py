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
from streams.ledger import Ledger, open_ledger
from streams.sender.gate import Point
from streams.sender.parts import Organisation, Parts
from tests.integration.sender.stream import TENANT
from tests.integration.sender.world import RATES, Counts
from tests.support.turns import Turns

START = dt.datetime(2026, 11, 24, 9, 0, tzinfo=dt.UTC)
# Of the machine's time: where some call is told to find no answer, and where all are answered, however slow it is.
_SILENT_S = 0.5
_ANSWERED_S = 20.0
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
        # Whether a fault was ordered that leaves a call without an answer in time.
        self.is_silent = False

    async def authorise(self) -> None:
        await self._real.authorise()

    async def send(self, ticket: Ticket) -> Answer | NoAnswer:
        if self.refused and ticket.purpose == "write":
            self.refused -= 1
            return NoAnswer(left=False, detail="no connection to Xero: ClientConnectorError")
        if self.looks_without_token and ticket.purpose == "look":
            self.looks_without_token -= 1
            raise AuthRefused("invalid_client", "Check the client id")
        real_s = _SILENT_S if self.is_silent else _ANSWERED_S
        outcome = await self._real.send(msgspec.structs.replace(ticket, timeout_s=real_s))
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
        self._turns = Turns(self.parts, self._organisation)
        self._database = database
        self._offset = 0

    def _gate(self, point: Point) -> None:
        # At a write, not at what was read before it.
        if self._turns.is_writing and point == self.die_at:
            self.die_at = None
            raise Died

    async def begin(self) -> None:
        self._offset = (await self.ledger.intake.offsets([0])).get(0, 0)

    async def feed(self, records: Sequence[CommandRecord]) -> None:
        self._offset += len(records)
        await self.ledger.intake.take_in(records, (0, self._offset))

    async def work(self) -> None:
        """Until nothing is left to do. Raises Died."""
        await self._turns.work()

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        with contextlib.closing(sqlite3.connect(self._database)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(statement, values)]

    def books(self) -> dict[str, Any]:
        return self.sandbox.books(self._organisation.xero_tenant_id)


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
