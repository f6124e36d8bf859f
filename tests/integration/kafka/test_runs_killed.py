"""Worker processes that are killed, stopped, joined by others and crash: what was accepted is never lost."""

import asyncio
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from streams.kafka import topics
from streams.kafka.producer import Producer
from streams.kafka.records import Outgoing
from tests.support import runs_worker
from tests.support.kafka import committed, read_all, until

Worker = subprocess.Popen[bytes]
_ROOT = Path(__file__).resolve().parents[3]
_PARTITIONS = 4
# In a process of its own, because Faust leaves the loop of its thread open when its start fails.
_APP_WITHOUT_BROKER = """
import asyncio, sys
from pathlib import Path
from streams.kafka.app import EmbeddedApp, create_app

async def start() -> None:
    await EmbeddedApp(create_app(sys.argv[1], "group", datadir=Path(sys.argv[2]))).start()

asyncio.run(start())
"""


@pytest.fixture
async def producer(broker: str, topic_prefix: str) -> AsyncIterator[Producer]:
    await topics.ensure(broker, topic_prefix)
    own = Producer(broker)
    await own.start()
    yield own
    await own.stop()


@pytest.fixture
def start_worker(broker: str, topic_prefix: str, tmp_path: Path) -> Iterator[Callable[[], Worker]]:
    started: list[Worker] = []

    def start() -> Worker:
        source, target = topic_prefix + "raw", topic_prefix + "commands"
        command = [sys.executable, runs_worker.__file__, broker, topic_prefix + "group", source, target, str(tmp_path)]
        log = (tmp_path / f"worker-{len(started)}.log").open("wb")
        started.append(subprocess.Popen(command, cwd=_ROOT, stdout=log, stderr=subprocess.STDOUT))
        log.close()
        return started[-1]

    yield start
    for worker in started:
        worker.kill()
        worker.wait()


class Feed:
    """Sends numbered records at a steady pace until it is stopped; `sent` are those the broker acknowledged."""

    def __init__(self, producer: Producer, topic: str, per_s: int) -> None:
        self.sent: list[bytes] = []
        self._task = asyncio.ensure_future(self._send(producer, topic, per_s))

    async def _send(self, producer: Producer, topic: str, per_s: int) -> None:
        step = per_s // 20
        while True:
            values = [b"%d" % number for number in range(len(self.sent), len(self.sent) + step)]
            await producer.send_all(Outgoing(topic, b"k", value, (), int(value) % _PARTITIONS) for value in values)
            self.sent += values
            await asyncio.sleep(0.05)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})


async def _copied(broker: str, topic_prefix: str, sent: list[bytes], timeout_s: float = 15.0) -> Counter[bytes]:
    """What reached the target topic, as soon as it holds all that was sent."""
    end = time.monotonic() + timeout_s
    while True:
        counts = Counter(record.value for record in await read_all(broker, topic_prefix + "commands"))
        if set(sent) <= set(counts) or time.monotonic() > end:
            return counts
        await asyncio.sleep(0.2)


async def _ready(worker: Worker, folder: Path) -> None:
    line = f"READY {worker.pid}\n"
    await until(lambda: any(line in log.read_text() for log in folder.glob("worker-*.log")), "the worker is ready")


async def _workers(broker: str, topic_prefix: str) -> set[bytes]:
    """The process ids of the workers that copied something."""
    return {dict(record.headers)["worker"] for record in await read_all(broker, topic_prefix + "commands")}


async def _kill_often(
    rounds: int,
    seed: int,
    producer: Producer,
    start_worker: Callable[[], Worker],
    broker: str,
    topic_prefix: str,
    folder: Path,
) -> None:
    """One in three is killed at work, one ends in order, one is killed at any moment of its start."""
    moments = random.Random(seed)
    feed = Feed(producer, topic_prefix + "raw", per_s=400)
    for number in range(rounds):
        worker = start_worker()
        if number % 3 != 2:
            await _ready(worker, folder)
        await asyncio.sleep(1.5 * moments.random())
        if number % 3 == 1:
            worker.terminate()
            assert await asyncio.to_thread(worker.wait, 10) == 0
        else:
            worker.kill()
            worker.wait()
    await feed.stop()
    start_worker()
    counts = await _copied(broker, topic_prefix, feed.sent)
    assert len(feed.sent) > rounds * 200
    assert sorted(set(feed.sent) - set(counts)) == [], f"lost, with seed {seed}"
    assert len(await _workers(broker, topic_prefix)) > rounds // 3, "hardly a worker lived long enough to work"


async def test_killed_workers_lose_nothing(
    producer: Producer, start_worker: Callable[[], Worker], broker: str, topic_prefix: str, tmp_path: Path
) -> None:
    await _kill_often(3, 20, producer, start_worker, broker, topic_prefix, tmp_path)


@pytest.mark.all
@pytest.mark.timeout(300)
async def test_workers_killed_thirty_times_lose_nothing(
    producer: Producer, start_worker: Callable[[], Worker], broker: str, topic_prefix: str, tmp_path: Path
) -> None:
    seed = int(time.time())
    await _kill_often(30, seed, producer, start_worker, broker, topic_prefix, tmp_path)


async def test_a_worker_that_joins_and_leaves_costs_nothing(
    producer: Producer, start_worker: Callable[[], Worker], broker: str, topic_prefix: str, tmp_path: Path
) -> None:
    feed = Feed(producer, topic_prefix + "raw", per_s=400)
    start_worker()
    for _ in range(2):
        guest = start_worker()
        await _ready(guest, tmp_path)
        await asyncio.sleep(0.7)
        guest.terminate()
        assert await asyncio.to_thread(guest.wait, 10) == 0
        await asyncio.sleep(0.3)
    await feed.stop()
    counts = await _copied(broker, topic_prefix, feed.sent)
    assert sorted(set(feed.sent) - set(counts)) == [], "lost"
    assert [value for value, count in counts.items() if count > 1] == [], "doubled by an orderly rebalance"
    assert len(await _workers(broker, topic_prefix)) == 3, "a guest never had a partition"


@pytest.mark.all
@pytest.mark.timeout(180)
async def test_workers_that_join_and_are_killed_lose_nothing(
    producer: Producer, start_worker: Callable[[], Worker], broker: str, topic_prefix: str, tmp_path: Path
) -> None:
    feed = Feed(producer, topic_prefix + "raw", per_s=400)
    start_worker()
    for number in range(10):
        guest = start_worker()
        await _ready(guest, tmp_path)
        await asyncio.sleep(0.6 + 0.1 * number)
        guest.kill()
    await feed.stop()
    counts = await _copied(broker, topic_prefix, feed.sent)
    assert sorted(set(feed.sent) - set(counts)) == [], "lost"
    assert len(await _workers(broker, topic_prefix)) > 3, "hardly a guest had a partition"


@pytest.mark.parametrize("poison", [b"raise", b"fail"])
async def test_a_failing_handler_ends_the_process_and_commits_nothing(
    poison: bytes, producer: Producer, start_worker: Callable[[], Worker], broker: str, topic_prefix: str
) -> None:
    topic = topic_prefix + "raw"
    before = await producer.send_all(Outgoing(topic, b"k", b"%d" % number, (), 0) for number in range(20))
    worker = start_worker()
    await _copied(broker, topic_prefix, [b"19"])
    bad = await producer.publish(topic, b"k", poison, (), 0)
    await producer.publish(topic, b"k", b"after", (), 0)
    await until(lambda: worker.poll() is not None, "the worker ended")
    assert worker.returncode == 3
    assert bad.offset == before[-1].offset + 1
    assert (await committed(broker, topic_prefix + "group", topic)).get(0, 0) <= bad.offset

    again = start_worker()
    await until(lambda: again.poll() is not None, "the next worker met the same run")
    assert again.returncode == 3


async def test_sigterm_ends_an_idle_worker_at_once(
    producer: Producer, start_worker: Callable[[], Worker], broker: str, topic_prefix: str
) -> None:
    worker = start_worker()
    await producer.publish(topic_prefix + "raw", b"k", b"1", (), 0)
    assert (await _copied(broker, topic_prefix, [b"1"])) == {b"1": 1}
    began = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(worker.wait, 10) == 0
    assert time.monotonic() - began < 4.5
    assert await committed(broker, topic_prefix + "group", topic_prefix + "raw") == {0: 1}


def test_no_broker_is_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        command = [sys.executable, "-c", _APP_WITHOUT_BROKER, address, str(tmp_path / "faust")]
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert f"BrokerUnavailable: no Kafka answers at {address}" in done.stderr
