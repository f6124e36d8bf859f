"""A worker's sender as a process of its own, which a test kills: at a named point, or from outside.

    python -m tests.integration.sender.worker ORDERS.json

It takes the records in, sends until nothing is left, and exits 0.
"""

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
from collections import Counter
from pathlib import Path

import msgspec

from streams.core.after import Patience
from streams.ledger import open_ledger
from streams.sender.gate import Point
from tests.integration.sender.stream import decoded
from tests.integration.sender.world import JumpingClock, built, one_organisation


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """What the test wants. `ahead_s`: how far this process's clocks are ahead, as if so much time had passed."""

    database: str
    records: str
    given: tuple[str, str, str, str]
    xero_tenant_id: str
    patience: Patience
    die_at: str = ""
    die_nth: int = 1
    ahead_s: float = 0.0


class Dying:
    """Kills this process as -9 does, when a point is reached for the nth time."""

    def __init__(self, point: str, nth: int) -> None:
        self._point = point
        self._nth = nth
        self._reached: Counter[str] = Counter()

    def __call__(self, point: Point) -> None:
        self._reached[point] += 1
        if point == self._point and self._reached[point] == self._nth:
            os.kill(os.getpid(), signal.SIGKILL)


def is_quiet(database: str) -> bool:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        busy = connection.execute(
            "SELECT 1 FROM commands WHERE state = 'sent' OR (state = 'pending' AND ready_since IS NOT NULL)"
        ).fetchone()
        return not (
            busy or connection.execute("SELECT 1 FROM calls WHERE state = 'open' AND purpose = 'write'").fetchone()
        )


async def main(orders: Orders) -> None:
    clock = JumpingClock(orders.ahead_s)
    ledger = await open_ledger(f"sqlite:///{orders.database}", clock)
    ledger.claim()
    records = list(decoded(Path(orders.records).read_bytes()))
    for start in range(0, len(records), 25):
        run = records[start : start + 25]
        await ledger.intake.take_in(run, (0, start + len(run)))
    gate = Dying(orders.die_at, orders.die_nth)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    async with built(orders.given, one_organisation(orders.xero_tenant_id), ledger, orders.patience, gate, clock) as (
        sender,
        _,
    ):
        running = asyncio.create_task(sender.run())
        while not is_quiet(orders.database):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), 0.05)
                break
        await sender.stop()
        await running
    await ledger.close()


if __name__ == "__main__":
    asyncio.run(main(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Orders)))
