"""The topic of dead letters, read as any consumer of somebody else's would; nothing of ours."""

import asyncio
import contextlib
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

_PARTITIONS: Final = 4


class Letters:
    """Everything that the topic has held so far, key and value of each record."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.records: list[bytes] = []
        self._bootstrap = bootstrap
        self._topic = topic
        self._consumer: AIOKafkaConsumer | None = None
        self._next: dict[TopicPartition, int] = {}

    async def read(self) -> list[bytes]:
        """What is there now. A broker that is away is looked for again at the next call."""
        with contextlib.suppress(KafkaError, OSError, TimeoutError):
            consumer = await self._started()
            async with asyncio.timeout(5):
                for partition, records in (await consumer.getmany(timeout_ms=50)).items():
                    self.records += [(record.key or b"") + b" " + (record.value or b"") for record in records]
                    self._next[partition] = records[-1].offset + 1
            return self.records
        await self.stop()
        return self.records

    async def stop(self) -> None:
        """Close the connection."""
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            await consumer.stop()

    async def _started(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
            )
            try:
                await consumer.start()
                consumer.assign([TopicPartition(self._topic, number) for number in range(_PARTITIONS)])
                for partition, offset in self._next.items():
                    consumer.seek(partition, offset)
            except BaseException:
                await consumer.stop()
                raise
            self._consumer = consumer
        return self._consumer
