"""A worker that takes in one run, begins the next and says so; the test kills it there. Argument: the ledger's URL."""

import asyncio
import sys

from streams.ledger import open_ledger
from streams.ledger.taking import take
from streams.ledger.work import Work
from tests.support.clock import ManualClock
from tests.support.ledger import order_placed


async def main(url: str) -> None:
    clock = ManualClock()
    ledger = await open_ledger(url, clock)
    await ledger.intake.take_in([order_placed(f"e{n}", str(n), n) for n in range(10)], (0, 10))
    async with ledger._store.write() as connection:
        await take(Work(connection, clock.now()), [order_placed(f"k{n}", f"9{n}", 10 + n) for n in range(10)])
        sys.stdout.write("IN TRANSACTION\n")
        sys.stdout.flush()
        await asyncio.sleep(60)


asyncio.run(main(sys.argv[1]))
