"""Twenty writers, pollers that are killed at random moments, a database that falls and comes again: nothing is lost,
nothing comes that was rolled back, each aggregate's events are in order, and what comes twice is the same to the byte.
"""

import asyncio
import json
import multiprocessing
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from streams.kafka import topics
from tests.integration.outbox import runs_poller
from tests.integration.outbox.company import Database
from tests.support.kafka import read_all

WRITERS = 20
ORDERS = 12
KILLS = 4
LEASE_S = 0.6
# What a server that falls makes of a statement under way: the driver's error as it is, or within SQLAlchemy's.
FALLEN = (DBAPIError, OSError)


# Processes are forked from one that has loaded everything: starting a poller costs nothing then.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([runs_poller.__name__])


@dataclass
class Pollers:
    """Two processes at any time; who is killed is replaced. `log` is where they all write."""

    database: Database
    arguments: tuple[str, ...]
    log: Path
    running: dict[str, ForkServerProcess] = field(default_factory=dict)
    started: int = 0

    def start(self) -> None:
        self.started += 1
        name = f"poller-{self.started}"
        arguments = (self.log, self.database.url, *self.arguments, name)
        process = PROCESSES.Process(target=runs_poller.run, args=arguments, kwargs={"lease_s": LEASE_S}, daemon=True)
        process.start()
        self.running[name] = process

    async def kill_who_leads(self) -> None:
        """With -9, at whatever it is just now; then a new one comes."""
        until = time.monotonic() + 30
        while True:
            assert time.monotonic() < until, "nobody leads\n" + self.said()
            try:
                [(leader,)] = await self.database.run("SELECT leader FROM outbox_poller")
            except FALLEN:
                leader = None
            if leader in self.running:
                break
            await asyncio.sleep(0.02)
        process = self.running.pop(leader)
        assert process.is_alive(), self.said()
        process.kill()
        process.join()
        process.close()
        self.start()

    async def stop(self) -> None:
        """In order, within ten seconds."""
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            await asyncio.to_thread(process.join, 10)
        codes = [process.exitcode for process in self.running.values()]
        for process in self.running.values():
            process.kill()
            process.join()
            process.close()
        assert codes == [0] * len(codes), self.said()

    def said(self) -> str:
        """The end of the log."""
        return self.log.read_text()[-3000:]


@asynccontextmanager
async def polled(database: Database, *arguments: str, log: Path) -> AsyncIterator[Pollers]:
    pollers = Pollers(database, arguments, log)
    try:
        pollers.start()
        pollers.start()
        yield pollers
    finally:
        await pollers.stop()


async def write(database: Database, seed: int, until: asyncio.Event, delay_s: float) -> None:
    """One writer: it changes an order, tells the outbox, and dawdles before each step and before it commits or not."""
    chance = random.Random(seed)
    while not until.is_set():
        try:
            async with database.engine.connect() as connection:
                await change(connection, database, chance, delay_s)
        except FALLEN:
            await asyncio.sleep(0.1)
        await asyncio.sleep(chance.uniform(0, 0.02))


async def change(connection: Any, database: Database, chance: random.Random, delay_s: float) -> None:
    order_id = f"order-{chance.randrange(ORDERS)}"
    mine = {"id": order_id}
    await connection.execute(text("UPDATE orders SET version = version + 1 WHERE id = :id"), mine)
    version = (await connection.execute(text("SELECT version FROM orders WHERE id = :id"), mine)).scalar_one()
    await asyncio.sleep(chance.uniform(0, delay_s))
    await database.write(connection, order_id, version)
    await asyncio.sleep(chance.uniform(0, delay_s))
    await (connection.rollback() if chance.random() < 0.15 else connection.commit())


async def a_bad_day(database: Database, pollers: Pollers) -> None:
    """Writers at work while pollers and, in the middle, the database are killed."""
    chance = random.Random(7)
    done = asyncio.Event()
    # SQLite has one writer at a time, and all others wait for it.
    delay_s = 0.002 if database.dialect == "sqlite" else 0.04
    writers = [asyncio.ensure_future(write(database, seed, done, delay_s)) for seed in range(WRITERS)]
    for number in range(KILLS):
        await asyncio.sleep(chance.uniform(0.1, 0.7))
        if number == KILLS // 2 and database.restart is not None:
            await asyncio.to_thread(database.restart)
        await pollers.kill_who_leads()
    done.set()
    await asyncio.gather(*writers)


async def nothing_waits(database: Database, pollers: Pollers) -> None:
    until = time.monotonic() + 30
    while True:
        [(waiting,)] = await database.run("SELECT count(*) FROM outbox WHERE published_at IS NULL")
        if not waiting:
            return
        assert time.monotonic() < until, f"{waiting} rows wait\n" + pollers.said()
        await asyncio.sleep(0.1)


@dataclass(frozen=True)
class Record:
    """What the broker has: the row's id, order and version, and all of it."""

    id: str
    order_id: str
    version: int
    whole: object


def records(found: list[Any]) -> Iterator[Record]:
    for one in found:
        data = json.loads(one.value)
        headers: Mapping[str, bytes] = dict(one.headers)
        version = int(data["reference"].removeprefix("version "))
        yield Record(headers["ce_id"].decode(), data["order_id"], version, (one.key, one.value, tuple(one.headers)))


@pytest.mark.timeout(180)
async def test_nothing_is_lost_or_out_of_order(
    database: Database, broker: str, topic_prefix: str, tmp_path: Path
) -> None:
    await topics.ensure(broker, topic_prefix)
    await database.run("CREATE TABLE orders (id varchar(40) PRIMARY KEY, version integer NOT NULL)")
    for number in range(ORDERS):
        await database.run("INSERT INTO orders (id, version) VALUES (:id, 0)", id=f"order-{number}")
    async with polled(database, broker, topic_prefix, log=tmp_path / "pollers.log") as pollers:
        await a_bad_day(database, pollers)
        await nothing_waits(database, pollers)
    committed = {str(row[0]) for row in await database.run("SELECT id FROM outbox")}
    assert len(committed) > 2 * WRITERS
    first: dict[str, Record] = {}
    for record in records(await read_all(broker, f"{topic_prefix}events.orders")):
        assert first.setdefault(record.id, record).whole == record.whole
    lost, invented = committed - first.keys(), first.keys() - committed
    assert not lost
    assert not invented
    told = defaultdict(list)
    for record in first.values():
        told[record.order_id].append(record.version)
    assert told == {order_id: list(range(1, len(versions) + 1)) for order_id, versions in told.items()}
    versions = dict(await database.run("SELECT id, version FROM orders"))
    assert {order_id: len(all_of_it) for order_id, all_of_it in told.items()} == versions
