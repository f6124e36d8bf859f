"""Faust as its documentation shows it: an agent over single events, a Table of what was seen, outputs sent."""

import asyncio
import logging
from typing import Any

import faust

from schemas.commands import CommandRecord
from streams.core.translate import RecentKeys
from tests.bench.translate.job import Orders, translated

_PARTITIONS = 4


class TableKeys(RecentKeys):
    """What was seen, in a Faust Table with its changelog."""

    def __init__(self, table: Any) -> None:
        super().__init__()
        self._table = table

    def has(self, event_key: str, digest: str) -> bool:
        return bool(self._table.get(event_key) == digest)

    def enter(self, record: CommandRecord) -> None:
        self._table[record.event_key] = record.digest


async def run(orders: Orders) -> None:
    """Work until killed."""
    for name in ("faust", "aiokafka", "mode"):
        # Worth a factor of 1.6 to Faust.
        logging.getLogger(name).setLevel(logging.WARNING)
    app = faust.App(
        orders.group,
        broker=f"kafka://{orders.bootstrap}",
        store="memory://",
        autodiscover=False,
        datadir=str(orders.folder / "faust"),
        web_enabled=False,
        topic_disable_leader=True,
        topic_partitions=_PARTITIONS,
        consumer_auto_offset_reset="earliest",
    )
    raw: dict[str, Any] = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
    source, target = app.topic(orders.source, **raw), app.topic(orders.target, **raw)
    seen = TableKeys(app.Table("seen", partitions=_PARTITIONS))

    async def work(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            record, encoded = translated(
                message.partition, message.offset, int(message.timestamp * 1000), event.key, event.value,
                message.headers, seen,
            )  # fmt: skip
            seen.enter(record)
            await target.send(key=event.key, value=encoded, partition=message.partition)

    app.agent(source, name="translate")(work)
    app.finalize()
    await app.start()
    await asyncio.Event().wait()
