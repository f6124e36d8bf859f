"""Bare aiokafka: fetch, work, send, wait for all acknowledgements, remember, commit once a second."""

import asyncio
from collections import defaultdict
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from streams.core.translate import RecentKeys
from tests.bench.translate.job import COMMIT_S, FETCH_MAX, Orders, translated


async def run(orders: Orders) -> None:
    """Work until killed. The producer is set up as ours is."""
    consumer = AIOKafkaConsumer(
        orders.source,
        bootstrap_servers=orders.bootstrap,
        group_id=orders.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=orders.bootstrap,
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        max_batch_size=256 * 1024,
    )
    await producer.start()
    await consumer.start()
    seen: defaultdict[int, RecentKeys] = defaultdict(RecentKeys)
    loop = asyncio.get_running_loop()
    commit_at = loop.time() + COMMIT_S
    while True:
        for tp, records in (await consumer.getmany(timeout_ms=1000, max_records=FETCH_MAX)).items():
            await _carry(producer, orders.target, tp.partition, records, seen[tp.partition])
        if loop.time() > commit_at:
            await consumer.commit()
            commit_at = loop.time() + COMMIT_S


async def _carry(producer: Any, target: str, partition: int, records: Any, seen: RecentKeys) -> None:
    done, under_way = [], []
    for one in records:
        record, encoded = translated(partition, one.offset, one.timestamp, one.key, one.value, one.headers, seen)
        done.append(record)
        under_way.append(await producer.send(target, encoded, key=one.key, partition=partition))
    await asyncio.gather(*under_way)
    for record in done:
        seen.enter(record)
