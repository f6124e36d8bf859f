"""The ledger as the rest of the program sees it: its parts as attributes, opened and closed in one place."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import final

from sqlalchemy import func, select

from streams.clock import Clock
from streams.ledger import identity, locks, migrations, ready, receipts
from streams.ledger.asking import Questions
from streams.ledger.audit import Audit
from streams.ledger.audit_raw import RawAudit
from streams.ledger.calls import Calls
from streams.ledger.claim import Claim
from streams.ledger.dead_letters import DeadLetters
from streams.ledger.discarding import Discarding
from streams.ledger.elements import Elements
from streams.ledger.ends import Ends
from streams.ledger.engine import Store
from streams.ledger.errors import LedgerUnavailable
from streams.ledger.figures import FiguresReader
from streams.ledger.identity import Identity
from streams.ledger.intake import Intake
from streams.ledger.leases import Leases
from streams.ledger.listening import Listening
from streams.ledger.presence import Presence
from streams.ledger.publishing import Publishing
from streams.ledger.recovery import Recovery
from streams.ledger.repeat import repeated
from streams.ledger.replay import Replay
from streams.ledger.settle import Settle
from streams.ledger.situation import SituationReader
from streams.ledger.status import Status
from streams.ledger.stops import Stops
from streams.ledger.sweeps import Sweeps
from streams.ledger.timeline import Timelines


@final
class Ledger:
    """Every method opens and ends its own transaction. `open_ledger` makes one."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._claim: Claim | None = None
        self.intake = Intake(store, clock)
        self.situation = SituationReader(store, clock)
        self.calls = Calls(store, clock)
        self.results = Settle(store, clock)
        self.recovery = Recovery(store, clock)
        self.leases = Leases(store, clock)
        self.listening = Listening(store, clock)
        self.presence = Presence(store, clock)
        self.stops = Stops(store, clock)
        self.sweeps = Sweeps(store, clock)
        self.dead_letters = DeadLetters(store)
        self.replays = Replay(store, clock)
        self.discarding = Discarding(store, clock)
        self.questions = Questions(store, clock)
        self.timeline = Timelines(store, clock)
        self.audits = Audit(store, clock)
        self.raw_audits = RawAudit(store)
        self.status = Status(store, clock)
        self.elements = Elements(store)
        self.figures = FiguresReader(store, clock)
        self.publishing = Publishing(store, clock)
        self.ends = Ends(store)
        self.identity = Identity(store, clock)

    @property
    def is_shared(self) -> bool:
        """Whether several workers may work on it."""
        return not self._store.sqlite

    @repeated
    async def sweep(self) -> int:
        """Look at every pending command anew; how many stood wrong, which is 0 unless a promotion was missed."""
        async with self._store.write() as connection:
            return await ready.sweep(connection, self._clock.now())

    @repeated
    async def server_time(self) -> datetime | None:
        """The time of day that all workers on a PostgreSQL ledger share; None on SQLite, which has one worker."""
        if self._store.sqlite:
            return None
        async with self._store.read() as connection:
            found: datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
            return found

    def claim(self) -> None:
        """For a worker: be the only one on a SQLite ledger until `close`. LedgerRefused where another one is."""
        if self._store.sqlite and self._store.url.database:
            claim = Claim(Path(self._store.url.database))
            claim.take()
            self._claim = claim

    async def close(self) -> None:
        """Close all connections and give the claim back."""
        await self._store.close()
        if self._claim is not None:
            self._claim.release()


async def open_ledger(url: str, clock: Clock) -> Ledger:
    """Open a ledger, make or bring up its tables, and give a new one its id.

    `url`: `sqlite:///FILE` or `postgresql://...`. Raises LedgerUnavailable, or LedgerRefused for a newer release's.
    """
    store = Store(url)
    if store.sqlite and store.url.database:
        _make_folder(Path(store.url.database))
    async with _closed_on_error(store), store.write() as connection:
        # Several workers may start at once on an empty database.
        await locks.own_tables(connection)
        await connection.run_sync(migrations.upgrade)
        await receipts.forget_old(connection)
        await identity.ensure(connection, clock.now())
    return Ledger(store, clock)


async def open_as_it_is(url: str, clock: Clock) -> Ledger:
    """Open a ledger beside the worker that it belongs to, and write nothing by opening it.

    Raises LedgerUnavailable where there is none, LedgerRefused for another release's.
    """
    store = Store(url)
    async with _closed_on_error(store), store.read() as connection:
        await connection.run_sync(migrations.check)
    return Ledger(store, clock)


@asynccontextmanager
async def _closed_on_error(store: Store) -> AsyncIterator[None]:
    try:
        yield
    except BaseException:
        await store.close()
        raise


def _make_folder(database: Path) -> None:
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerUnavailable(
            f"The folder {database.parent} for the ledger cannot be made: {error.strerror}. Make it writable, or set "
            "LEDGERSTREAM_LEDGER_URL to another place."
        ) from error
