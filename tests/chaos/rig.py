"""What all rounds of a run share: one broker that can be killed, the nursery, and the hand on the clock."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from streams.kafka import local
from streams.kafka.broker import JavaBroker
from tests.chaos.clock import Hand
from tests.chaos.processes import ROOT, Nursery

HOME: Final = ROOT / ".ledgerstream"


@dataclass(frozen=True, slots=True)
class Rig:
    """`folder` holds everything that the run writes."""

    folder: Path
    broker: JavaBroker
    nursery: Nursery
    hand: Hand
    clock: Path

    async def kill_broker(self) -> None:
        """End the broker as kill -9 does; its data stays."""
        await asyncio.to_thread(self.broker.kill)

    async def start_broker(self) -> None:
        """Start it again, if it does not run."""
        await asyncio.to_thread(self.broker.start)


@asynccontextmanager
async def rig(*, keep: bool = False) -> AsyncIterator[Rig]:
    """A broker of this run's own, ready, and the nursery. `keep`: the folder stays when the run ends."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    installation = await asyncio.to_thread(local.install, HOME)
    broker = JavaBroker(installation, folder / "kafka")
    nursery = Nursery(HOME / "pycache")
    try:
        await nursery.start()
        await asyncio.to_thread(broker.start)
        clock = folder / "clock"
        yield Rig(folder, broker, nursery, Hand(clock), clock)
    finally:
        with contextlib.suppress(OSError):
            await nursery.stop()
        await asyncio.to_thread(broker.stop)
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
