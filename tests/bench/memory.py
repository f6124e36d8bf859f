"""rss_after_200k_events_mb: what a worker holds in memory after 200,000 events, half of them told twice, against what
it held after 20,000. It sends as it goes, at the pace that Xero allows.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from aiokafka.errors import GroupCoordinatorNotAvailableError

from schemas.topics import EVENT_PARTITIONS, TOPICS
from streams.kafka.records import Outgoing
from tests.bench import broker, events, machine
from tests.bench.rows import Row, compared
from tests.support.kafka import committed
from tests.support.system import System, running

FIRST: Final = 20_000
ALL: Final = 200_000
_SENT_AT_ONCE: Final = 2_000
# So far behind its first telling comes the second one: within what translate remembers, and beyond a run.
_TOLD_AGAIN_AFTER: Final = 1_000
_TIMEOUT_S: Final = 400.0


def measure() -> list[Row]:
    """Resident memory, and its growth."""
    first, last = asyncio.run(_memory(broker.address()))
    return [compared("rss_after_200k_events_mb", last, "MiB", "after 20,000 events", first, at_most=1.2)]


async def _memory(bootstrap: str) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        async with running(bootstrap, f"bench-{time.time_ns()}.", Path(folder)) as system:
            process = await system.worker()
            topic = TOPICS["events.orders"].full_name(system.prefix)
            seen = []
            async with asyncio.TaskGroup() as group:
                group.create_task(_tell(system, topic))
                for count in (FIRST, ALL):
                    await _taken_in(system, count)
                    seen.append(machine.resident_mib(process.pid))
            return seen[0], seen[1]


async def _tell(system: System, topic: str) -> None:
    batch: list[Outgoing] = []
    for partition, record in enumerate(_twice(ALL // 2)):
        batch.append(Outgoing(topic, record.key, record.value, record.headers, partition % EVENT_PARTITIONS))
        if len(batch) == _SENT_AT_ONCE:
            await system.producer.send_all(batch)
            batch = []
    await system.producer.send_all(batch)


def _twice(count: int) -> Iterator[events.EventRecord]:
    """Each order, and each of them again a little later, in the same partition."""
    waiting: list[events.EventRecord] = []
    for order in events.orders(count, customers=count // 5):
        record = events.placed(order)
        yield record
        waiting.append(record)
        if len(waiting) == _TOLD_AGAIN_AFTER:
            yield from waiting
            waiting = []
    yield from waiting


async def _taken_in(system: System, count: int) -> None:
    """Until so many records of `commands` are in the ledger: the group's commit follows the transaction."""
    commands = TOPICS["commands"].full_name(system.prefix)
    until = time.monotonic() + _TIMEOUT_S
    while await _read_of(system, commands) < count:
        if time.monotonic() > until:
            raise RuntimeError(f"{count} events were not taken in within {_TIMEOUT_S:g} s: {system.log()[-2000:]}")
        await asyncio.sleep(0.5)


async def _read_of(system: System, topic: str) -> int:
    try:
        return sum((await committed(system.broker, system.prefix + "group", topic)).values())
    except GroupCoordinatorNotAvailableError:
        # A broker that has just begun has no place for groups yet.
        return 0
