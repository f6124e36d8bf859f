"""A worker's intake and sender on a ledger, as a process whose processor time is its own.

Arguments: ledger URL, how to connect to the sandbox as JSON, and how many orders. Reading what Kafka would bring is
part of it: command records as bytes. It jumps over the minutes that the limits make it wait. Prints a line when it
begins, and at the end the processor seconds that it took.
"""

import asyncio
import json
import sys
import time
from typing import Any, Final

from schemas.codec import to_json
from schemas.commands import decode_record
from streams.core.after import Patience
from streams.ledger import open_ledger
from streams.sender.gate import Point
from tests.bench import feed, virtual_time
from tests.bench.backlog import backlog
from tests.bench.quiet import quiet
from tests.bench.virtual_time import VirtualClock
from tests.integration.sender.world import built, one_organisation

_LOOK_S: Final = 5.0


class OnWire:
    """A gate that sees when a request goes out and when its answer is here: meanwhile time does not jump."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def __call__(self, point: Point) -> None:
        if point == "opened":
            self._clock.begin_work()
        elif point == "answered":
            self._clock.end_work()


async def _main(url: str, described: dict[str, Any], orders: int, clock: VirtualClock) -> None:
    values = [to_json(record) for record in feed.translated(backlog(orders))]
    with clock.working():
        ledger = await open_ledger(url, clock)
    virtual_time.watch(ledger._store, clock)
    given = (described["api_url"], described["identity_url"], described["client_id"], described["client_secret"])
    tenant_id = described["organisations"][0]["tenant_id"]
    _say("begun")
    started_s = time.process_time()
    await feed.take_in(ledger, map(decode_record, values))
    async with built(given, one_organisation(tenant_id), ledger, Patience(), OnWire(clock), clock) as (sender, _counts):
        running = asyncio.create_task(sender.run())
        while await ledger.situation.tenants_with_work():
            await clock.sleep(_LOOK_S)
        await sender.stop()
        await running
    _say(str(time.process_time() - started_s))
    with clock.working():
        await ledger.close()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(url: str, described: str, orders: str) -> None:
    """Run and print."""
    quiet()
    clock = VirtualClock()
    virtual_time.run(clock, _main(url, json.loads(described), int(orders), clock))


if __name__ == "__main__":
    main(*sys.argv[1:])
