"""A worker's sender as the model sees it: the real one, which the model can freeze or kill between any two steps."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.xero.ticket import Answer, NoAnswer, Ticket
from streams.ledger import Ledger
from streams.ledger.engine import Store
from streams.sender.gate import Point
from streams.sender.loop import Sender
from streams.sender.parts import Organisation, Parts
from tests.model.xero import Xero
from tests.support.clock import HeldClock, ManualClock

TENANT: Final = "uk"
RATES: Final = {"OUTPUT2": Decimal(20), "RROUTPUT": Decimal(5)}
# So many rounds of the event loop without a transaction mean that everybody waits for time or for a call.
_CALM_ROUNDS: Final = 30
_TRANSACTIONS_MAX: Final = 1000


class Killed(Exception):
    """The process ended here."""


class Quiet:
    """Knows when nothing is running: no transaction, and no task that could go on by itself."""

    def __init__(self) -> None:
        self._running = 0
        self._none = asyncio.Event()
        self._none.set()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        self._running += 1
        self._none.clear()
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self._none.set()

    async def come(self) -> None:
        """Wait until it is so. A process that goes round and round without waiting for anything is a bug."""
        calm = transactions = 0
        while calm < _CALM_ROUNDS:
            if self._running:
                transactions += 1
                assert transactions < _TRANSACTIONS_MAX, "it works on without an end"
                await self._none.wait()
                calm = 0
            await asyncio.sleep(0)
            calm += 1


class ModelStore(Store):
    """The real store, without waiting for the disk; a process that is frozen begins no transaction."""

    def __init__(self, database: Path, quiet: Quiet, process: "Process") -> None:
        super().__init__(f"sqlite:///{database}")
        self._quiet = quiet
        self._process = process
        for engine in (self._writer, self._reader):
            event.listen(
                engine.sync_engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF")
            )

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        await self._process.step()
        with self._quiet.running():
            async with super().write() as connection:
                yield connection

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        await self._process.step()
        with self._quiet.running():
            async with super().read() as connection:
                yield connection


class Process:
    """Freezes at a step that the model chose, and goes on when it is told to."""

    def __init__(self) -> None:
        self.freeze_in: int | None = None
        self._thawed = asyncio.Event()
        self._thawed.set()

    @property
    def is_frozen(self) -> bool:
        return not self._thawed.is_set()

    def thaw(self) -> None:
        """Go on as if nothing had been."""
        self._thawed.set()

    async def step(self) -> None:
        """Between two steps: before a transaction, before a request leaves, and when its answer is there."""
        if self.freeze_in is not None:
            self.freeze_in -= 1
            if self.freeze_in <= 0:
                self.freeze_in = None
                self._thawed.clear()
        await self._thawed.wait()


class SharedLedger(Ledger):  # type: ignore[misc]  # nobody else makes another kind of ledger
    """A ledger of several workers, as PostgreSQL's is."""

    @property
    def is_shared(self) -> bool:
        return True


class Owner:
    """One process with one tenant's sender. `die_at` and `freeze_at`: the point of the gate at which it is killed, or
    frozen with the next step."""

    def __init__(
        self, name: str, database: Path, time: ManualClock, xero: Xero, quiet: Quiet, *, is_shared: bool
    ) -> None:
        self.name = name
        self.process = Process()
        self.clock = HeldClock(time)
        self.die_at: Point | None = None
        self.freeze_at: Point | None = None
        self.is_dead = False
        self._xero = xero
        self._quiet = quiet
        kind = SharedLedger if is_shared else Ledger
        self._ledger = kind(ModelStore(database, quiet, self.process), self.clock)
        self.parts = Parts(self._ledger, self, self.clock, self, name, gate=self._gate)
        self.sender = Sender(self.parts, [Organisation(TENANT, "x-uk", RATES)])
        self._running = asyncio.get_running_loop().create_task(self.sender.run())

    def _gate(self, point: Point) -> None:
        if self.is_dead or point == self.die_at:
            self.is_dead = True
            # Nothing of this process may happen any more, until its tasks are gone.
            self.process.freeze_in = 0
            raise Killed
        if point == self.freeze_at:
            self.freeze_at, self.process.freeze_in = None, 1

    def check_alive(self) -> None:
        """A sender that ends by itself would take its worker with it."""
        if self._running.done():
            self._running.result()
            raise AssertionError(f"{self.name} ended, and nobody had stopped it")

    async def kill(self) -> None:
        """As -9 does."""
        self.is_dead = True
        calls = list(self.sender._tenants[TENANT]._tasks)
        for task in (self._running, *calls):
            task.cancel()
        await asyncio.gather(self._running, *calls, return_exceptions=True)
        self.process.thaw()
        await self._ledger._store.close()

    async def wake_sleepers(self) -> None:
        """Let everybody go on whose time has come, one after another."""
        while not self.process.is_frozen and not self.is_dead and self.clock.wake_one():
            await self._quiet.come()

    # The way to Xero.

    async def authorise(self) -> None:
        await self.process.step()

    async def send(self, ticket: Ticket) -> Answer | NoAnswer:
        """What the real client does: a last check, one request, and an answer or none within the timeout."""
        await self.process.step()
        if self.clock.elapsed() > ticket.send_before or not self.sender.may_leave(ticket):
            return NoAnswer(left=False, detail="its time was over before it could be sent")
        exchange = self._xero.receive(ticket.request, self.name)
        if exchange.seconds:
            await self.clock.sleep(min(exchange.seconds, ticket.timeout_s))
        await self.process.step()
        if exchange.answer is None or exchange.seconds > ticket.timeout_s:
            return NoAnswer(left=True, detail="no answer")
        return exchange.answer

    # Metrics: the model counts by itself.

    def throttled(self, window: str) -> None: ...

    def waited(self, seconds: float) -> None: ...
