"""What all rounds of a run share: one broker that can be killed, the nursery, and the hand on the clock."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from streams.kafka import local
from streams.kafka.broker import JavaBroker
from tests.chaos.clock import Hand
from tests.chaos.processes import ROOT, Nursery
from tests.support.postgres import PostgresServer

HOME: Final = ROOT / ".ledgerstream"


Database = Literal["sqlite", "postgresql"]
# A SQLite ledger serves exactly one worker.
_WORKERS: Final[dict[Database, int]] = {"sqlite": 1, "postgresql": 3}


@dataclass(frozen=True, slots=True)
class Rig:
    """`folder` holds everything that the run writes. `postgres` is there where ledgers are on PostgreSQL."""

    folder: Path
    broker: JavaBroker
    nursery: Nursery
    hand: Hand
    clock: Path
    postgres: PostgresServer | None = None

    @property
    def workers(self) -> int:
        """How many workers share a ledger."""
        return _WORKERS["sqlite" if self.postgres is None else "postgresql"]

    async def new_ledger(self, folder: Path) -> str:
        """The URL of a ledger that does not exist yet."""
        if self.postgres is None:
            return f"sqlite:///{folder / 'ledger.db'}"
        return await asyncio.to_thread(self.postgres.new_database)

    async def restart_database(self, *, crash: bool) -> None:
        """Stop the database and start it again; with `crash` it has no time to stop in order."""
        assert self.postgres is not None, "SQLite is no server"
        await asyncio.to_thread(self.postgres.restart, crash=crash)

    async def kill_broker(self) -> None:
        """End the broker as kill -9 does; its data stays."""
        await asyncio.to_thread(self.broker.kill)

    async def start_broker(self) -> None:
        """Start it again, if it does not run."""
        await asyncio.to_thread(self.broker.start)


@asynccontextmanager
async def rig(database: Database = "sqlite", *, keep: bool = False) -> AsyncIterator[Rig]:
    """Broker and database of this run's own, ready, and the nursery. `keep`: the folder stays when the run ends."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    installation = await asyncio.to_thread(local.install, HOME)
    broker = JavaBroker(installation, folder / "kafka")
    nursery = Nursery(HOME / "pycache")
    postgres = PostgresServer() if database == "postgresql" else None
    try:
        await nursery.start()
        await asyncio.to_thread(broker.start)
        if postgres is not None:
            await asyncio.to_thread(postgres.start)
        clock = folder / "clock"
        yield Rig(folder, broker, nursery, Hand(clock), clock, postgres)
    finally:
        with contextlib.suppress(OSError):
            await nursery.stop()
        await asyncio.to_thread(broker.stop)
        if postgres is not None:
            await asyncio.to_thread(postgres.stop)
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
