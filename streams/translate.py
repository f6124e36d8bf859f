"""Translate: events become commands (a Faust agent around the pure `streams.core.translate`).

One record in `commands` for each event record, at the same partition number. It remembers what it has just seen, so
that a plain duplicate travels on as one; the ledger has the last word.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from schemas.codec import to_json
from schemas.commands import CommandRecord
from schemas.topics import TOPICS, TopicName, name_of
from streams.core.tenants import Tenants
from streams.core.translate import RecentKeys, translate
from streams.kafka.producer import Producer
from streams.kafka.records import Outgoing, Record, Run


class Translate:
    """`tenants` is asked anew for each run, because tenant files may be mended while we run."""

    def __init__(self, producer: Producer, prefix: str, tenants: Callable[[], Tenants]) -> None:
        self._producer = producer
        self._prefix = prefix
        self._commands = TOPICS["commands"].full_name(prefix)
        self._tenants = tenants
        self._seen: dict[tuple[TopicName, int], RecentKeys] = {}

    def keep_only(self, partitions: Iterable[tuple[str, int]]) -> None:
        """Forget what was seen in partitions that went to another worker: it may see newer ones there."""
        kept = {(name_of(topic, self._prefix), number) for topic, number in partitions if topic != self._commands}
        for gone in self._seen.keys() - kept:
            del self._seen[gone]

    async def on_run(self, run: Run) -> "asyncio.Future[None]":
        """Ends when the records are handed to the producer; the future ends when all are acknowledged."""
        topic = name_of(run.topic, self._prefix)
        seen = self._seen.setdefault((topic, run.partition), RecentKeys())
        tenants = self._tenants()
        records = [self._translated(topic, run.partition, record, tenants, seen) for record in run.records]
        sent = await self._producer.enqueue(
            Outgoing(self._commands, incoming.key, to_json(record), (), run.partition)
            for incoming, record in zip(run.records, records, strict=True)
        )
        return asyncio.ensure_future(self._remember(sent, seen, records))

    def _translated(
        self, topic: TopicName, partition: int, record: Record, tenants: Tenants, seen: RecentKeys
    ) -> CommandRecord:
        return translate(
            topic=topic,
            partition=partition,
            offset=record.offset,
            timestamp_ms=record.timestamp_ms,
            key=record.key,
            value=record.value,
            headers=record.headers,
            tenants=tenants,
            seen=seen,
        )

    @staticmethod
    async def _remember(sent: Awaitable[object], seen: RecentKeys, records: Iterable[CommandRecord]) -> None:
        # Only what the broker has acknowledged is seen: else a lost record would turn its retry into a duplicate.
        await sent
        for record in records:
            seen.enter(record)
