"""The launcher: brokers that start, end with whoever started them, and say in a sentence what is in their way."""

import asyncio
import fcntl
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from streams.kafka import broker, local, topics
from streams.kafka.broker import JavaBroker
from streams.kafka.errors import KafkaUnavailable
from streams.kafka.producer import Producer
from tests.conftest import HOME
from tests.support import kafka_process
from tests.support.kafka import answers, read_all, until

_ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home of its own, with the jars that all runs share."""
    libs = local.install(HOME).libs
    (tmp_path / "kafka").mkdir()
    (tmp_path / "kafka" / libs.name).symlink_to(libs)
    return tmp_path


@asynccontextmanager
async def _process(home: Path, how: str) -> AsyncIterator[tuple["subprocess.Popen[str]", str]]:
    command = [sys.executable, kafka_process.__file__, str(home), how]
    process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process, (await asyncio.to_thread(process.stdout.readline)).strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.all)])
async def test_in_the_foreground_it_ends_on_a_signal(home: Path, number: signal.Signals) -> None:
    async with _process(home, "serve") as (process, bootstrap):
        assert answers(bootstrap)
        process.send_signal(number)
        assert await asyncio.to_thread(process.wait, 15) == 0
        assert not answers(bootstrap)


async def test_a_killed_parent_leaves_no_broker_but_its_data(home: Path) -> None:
    async with _process(home, "start") as (process, bootstrap):
        with pytest.raises(KafkaUnavailable, match=f"already runs on .*KAFKA_BOOTSTRAP_SERVERS={bootstrap}"):
            local.start(home, keep=True)
        await topics.ensure(bootstrap, "kept.")
        async with _produced(bootstrap) as producer:
            await producer.publish("kept.raw", b"k", b"before")
        process.kill()
        await until(lambda: not answers(bootstrap), "the broker ended with its parent")
        await until(lambda: _free(home), "the folder was given free")

    own = JavaBroker(local.install(home), home / "kafka" / "data", broker.free_port())
    try:
        own.start()
        async with _produced(own.bootstrap) as producer:
            await producer.publish("kept.raw", b"k", b"after")
            own.kill()
            assert not answers(own.bootstrap)
            own.start()
            await producer.publish("kept.raw", b"k", b"after kill -9")
        values = [record.value for record in await read_all(own.bootstrap, "kept.raw")]
        assert values == [b"before", b"after", b"after kill -9"]
    finally:
        own.stop()
    assert not answers(own.bootstrap)


def _free(home: Path) -> bool:
    with (home / "kafka" / "data" / "lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@asynccontextmanager
async def _produced(bootstrap: str) -> AsyncIterator[Producer]:
    producer = Producer(bootstrap)
    await producer.start()
    yield producer
    await producer.stop()


def test_a_busy_port_is_a_sentence(home: Path, broker: str) -> None:
    port = int(broker.rpartition(":")[2])
    with pytest.raises(KafkaUnavailable, match=f"port {port} of 127.0.0.1.*choose another port"):
        local.start(home, port=port, keep=True)


def test_a_broker_that_ends_at_its_start_shows_its_last_lines(home: Path) -> None:
    logs = home / "kafka" / "data" / "logs"
    logs.mkdir(parents=True)
    (logs / "meta.properties").write_text("version=1\ncluster.id=\n")
    with pytest.raises(KafkaUnavailable, match=r"(?s)ended while it started.*meta\.properties.*start again"):
        local.start(home, keep=True)


async def test_a_broker_that_is_given_is_only_used(home: Path, broker: str) -> None:
    async with local.running(home, bootstrap=broker) as bootstrap:
        assert bootstrap == broker
    assert answers(broker)
