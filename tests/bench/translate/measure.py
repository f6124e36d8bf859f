"""translate_vs_*: events a second of one core, from the first event read to the last command record in the log.

All are measured from outside in the same way: the broker stamps what is appended (LogAppendTime), so nobody's own
notion of "sent" counts. The process has one core, the broker the other; seconds of that core which other processes
of the machine took are left out. Rounds are interleaved; medians.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.topics import EVENT_PARTITIONS
from streams.kafka.producer import Producer
from streams.kafka.records import Outgoing
from tests.bench import broker, events, machine
from tests.bench.rows import Row, compared
from tests.bench.translate.job import Orders

EVENTS: Final = 20_000
ROUNDS: Final = 3
WHO: Final = ("ours", "bare", "quix", "stock_faust")
_CUSTOMERS: Final = 4_000
_SENT_AT_ONCE: Final = 2_000
_TIMEOUT_S: Final = 180.0


def measure() -> list[Row]:
    """The three ratios."""
    return asyncio.run(_measure(broker.address()))


async def _measure(bootstrap: str) -> list[Row]:
    orders = Orders(bootstrap, f"bench-{time.time_ns()}.", "bench", Path())
    await _fill(orders)
    speeds: defaultdict[str, list[float]] = defaultdict(list)
    for number in range(ROUNDS):
        for who in WHO:
            speeds[who].append(await _speed(orders, who, number))
    median: Mapping[str, float] = {who: statistics.median(found) for who, found in speeds.items()}
    unit, ours = "events/s", median["ours"]
    return [
        compared("translate_vs_bare", ours, unit, "bare aiokafka", median["bare"], at_least=0.8),
        compared("translate_vs_quix", ours, unit, "Quix Streams", median["quix"], at_least=1.5),
        compared("translate_vs_stock_faust", ours, unit, "stock Faust", median["stock_faust"], at_least=4.0),
    ]


async def _fill(orders: Orders) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=orders.bootstrap)
    await admin.start()
    try:
        stamped = {"message.timestamp.type": "LogAppendTime"}
        await admin.create_topics(
            [NewTopic(name, EVENT_PARTITIONS, 1, topic_configs=stamped) for name in (orders.source, orders.target)]
        )
    finally:
        await admin.close()
    producer = Producer(orders.bootstrap)
    await producer.start()
    records = [events.placed(order) for order in events.orders(EVENTS, customers=_CUSTOMERS)]
    try:
        for start in range(0, EVENTS, _SENT_AT_ONCE):
            await producer.send_all(
                Outgoing(orders.source, one.key, one.value, one.headers, (start + place) % EVENT_PARTITIONS)
                for place, one in enumerate(records[start : start + _SENT_AT_ONCE])
            )
    finally:
        await producer.stop()


async def _speed(orders: Orders, who: str, number: int) -> float:
    """Events a second of one run."""
    partitions = [TopicPartition(orders.target, partition) for partition in range(EVENT_PARTITIONS)]
    consumer = AIOKafkaConsumer(bootstrap_servers=orders.bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(partitions)
        before = sum((await consumer.end_offsets(partitions)).values())
        core = machine.cores()[0]
        with tempfile.TemporaryDirectory() as folder:
            with machine.on_core(core):
                process = _started(orders, who, f"bench-{who}-{number}-{time.time_ns()}", folder)
            try:
                began = await asyncio.to_thread(_first_line, process)
                own, taken = machine.cpu_seconds(process.pid), machine.taken_seconds(core)
                await _appended(consumer, partitions, before + EVENTS, process)
                own, taken = machine.cpu_seconds(process.pid) - own, machine.taken_seconds(core) - taken
            finally:
                process.kill()
                process.communicate()
        seconds = await _last_append(consumer, partitions) - began
        return EVENTS / (seconds - max(taken - own, 0.0))
    finally:
        await consumer.stop()


def _started(orders: Orders, who: str, group: str, folder: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "ignore", "-m", "tests.bench.translate.process", who]
    return subprocess.Popen(
        [*command, orders.bootstrap, orders.prefix, group, folder], stdout=subprocess.PIPE, text=True
    )


def _first_line(process: subprocess.Popen[str]) -> float:
    """When the process had its first event, as time of day."""
    assert process.stdout is not None
    said = process.stdout.readline()
    if not said:
        raise RuntimeError(f"{process.args!r} ended with {process.wait()} before it had read an event")
    return float(said)


async def _appended(
    consumer: AIOKafkaConsumer, partitions: list[TopicPartition], wanted: int, process: subprocess.Popen[Any]
) -> None:
    until = time.monotonic() + _TIMEOUT_S
    while sum((await consumer.end_offsets(partitions)).values()) < wanted:
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{process.args!r} did not translate {EVENTS} events within {_TIMEOUT_S:g} s")
        await asyncio.sleep(0.2)


async def _last_append(consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> float:
    """The time of day, in seconds, at which the broker appended the last record."""
    newest = 0
    for partition, end in (await consumer.end_offsets(partitions)).items():
        consumer.seek(partition, end - 1)
        record = await consumer.getone(partition)
        newest = max(newest, record.timestamp)
    return newest / 1000
