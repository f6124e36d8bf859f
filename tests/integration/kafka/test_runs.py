"""Runs through a real broker, in this process: when they come, what is committed, and what a failure leaves."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from streams.kafka import topics
from streams.kafka.app import EmbeddedApp, Handler, create_app, run_agent
from streams.kafka.producer import Producer
from streams.kafka.records import Outgoing, Run
from streams.kafka.runs import OnAssigned, PartitionName
from tests.support.kafka import committed, until

# Offsets are committed once a second.
_COMMITTED_S = 1.2

StartApp = Callable[..., AbstractAsyncContextManager[EmbeddedApp]]


@pytest.fixture
async def producer(broker: str, topic_prefix: str) -> AsyncIterator[Producer]:
    await topics.ensure(broker, topic_prefix)
    own = Producer(broker)
    await own.start()
    yield own
    await own.stop()


@pytest.fixture
def app_for(broker: str, topic_prefix: str, tmp_path: Path) -> StartApp:
    @asynccontextmanager
    async def start(
        handler: Handler, on_assigned: OnAssigned | None = None, unfinished_runs_max: int = 4
    ) -> AsyncIterator[EmbeddedApp]:
        app = create_app(
            broker,
            topic_prefix + "group",
            datadir=tmp_path / "faust",
            run_records_max=10,
            unfinished_runs_max=unfinished_runs_max,
            on_assigned=on_assigned,
        )
        run_agent(app, [topic_prefix + "raw"], handler, name="test")
        embedded = EmbeddedApp(app)
        await embedded.start()
        await embedded.wait_ready()
        try:
            yield embedded
        finally:
            await embedded.stop()

    return start


def _records(topic: str, numbers: range, partition: int = 0) -> list[Outgoing]:
    return [Outgoing(topic, b"k", b"%d" % number, (("n", b"1"),), partition) for number in numbers]


async def test_a_lone_record_goes_at_once(producer: Producer, app_for: StartApp, topic_prefix: str) -> None:
    seen: asyncio.Queue[tuple[float, Run]] = asyncio.Queue()

    async def on_run(run: Run) -> None:
        seen.put_nowait((time.monotonic(), run))

    async with app_for(on_run):
        for _ in range(3):
            position = await producer.publish(topic_prefix + "raw", b"k", b"v", (("n", b"1"),), partition=2)
            sent = time.monotonic()
            at, run = await asyncio.wait_for(seen.get(), 10)
            assert at - sent < 0.3
            assert (run.topic, run.partition) == (topic_prefix + "raw", 2)
            [record] = run.records
            assert (record.key, record.value, record.headers) == (b"k", b"v", (("n", b"1"),))
            assert record.offset == position.offset


async def test_runs_are_bounded_and_in_order(producer: Producer, app_for: StartApp, topic_prefix: str) -> None:
    values: list[int] = []
    sizes: list[int] = []

    async def on_run(run: Run) -> None:
        values.extend(int(record.value) for record in run.records)
        sizes.append(len(run.records))

    await producer.send_all(_records(topic_prefix + "raw", range(205)))
    async with app_for(on_run):
        await until(lambda: len(values) >= 205, "all records came")
    assert values == list(range(205))
    assert max(sizes) == 10


async def test_commit_never_passes_an_unfinished_run(
    broker: str, producer: Producer, app_for: StartApp, topic_prefix: str
) -> None:
    runs: list[tuple[Run, asyncio.Future[None]]] = []

    async def on_run(run: Run) -> Awaitable[None]:
        safe: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        runs.append((run, safe))
        return safe

    topic, group = topic_prefix + "raw", topic_prefix + "group"
    await producer.send_all(_records(topic, range(100)))
    async with app_for(on_run, unfinished_runs_max=3) as embedded:
        await until(lambda: len(runs) == 3, "three runs are under way")
        await asyncio.sleep(0.3)
        assert embedded.lag() == {(topic, 0): 100, (topic, 1): 0, (topic, 2): 0, (topic, 3): 0}
        assert len(runs) == 3, "more runs are under way than are allowed"
        runs[1][1].set_result(None)
        runs[2][1].set_result(None)
        await asyncio.sleep(_COMMITTED_S)
        assert await committed(broker, group, topic) == {}
        runs[0][1].set_result(None)
        await until(lambda: len(runs) == 6, "the next runs come")
        assert embedded.lag()[topic, 0] == 100 - runs[3][0].records[0].offset
        await asyncio.sleep(_COMMITTED_S)
        assert await committed(broker, group, topic) == {0: runs[2][0].records[-1].offset + 1}
        for _, safe in runs[3:]:
            safe.set_result(None)


async def test_an_assignment_goes_on_from_its_own_offsets(
    broker: str, producer: Producer, app_for: StartApp, topic_prefix: str
) -> None:
    topic, group = topic_prefix + "raw", topic_prefix + "group"
    seen: list[int] = []

    async def on_run(run: Run) -> None:
        seen.extend(record.offset for record in run.records if run.partition == 0)

    await producer.send_all(_records(topic, range(30)) + _records(topic, range(5), partition=1))
    async with app_for(on_run):
        await until(lambda: len(seen) == 30, "all records came")
    assert await committed(broker, group, topic) == {0: 30, 1: 5}

    asked: list[frozenset[PartitionName]] = []

    async def ledgers_own(partitions: frozenset[PartitionName]) -> Mapping[PartitionName, int]:
        asked.append(partitions)
        return {(topic, 0): 12}

    seen.clear()
    async with app_for(on_run, on_assigned=ledgers_own):
        await until(lambda: len(seen) == 18, "records after the ledger's own offset came")
        await asyncio.sleep(_COMMITTED_S)
        assert (await committed(broker, group, topic))[0] == 30
    assert seen == list(range(12, 30))
    assert asked[0] == frozenset((topic, number) for number in range(4))
