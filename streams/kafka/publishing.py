"""Kafka as the receiver sees it: a topic by its short name, and one kind of failure."""

from collections.abc import Sequence

from connectors import base
from schemas.topics import TOPICS, TopicName
from streams.kafka.errors import KafkaError
from streams.kafka.producer import Producer


class KafkaPublisher:
    """connectors.base.Publisher over a producer that somebody else starts and stops."""

    def __init__(self, producer: Producer, prefix: str) -> None:
        self._producer = producer
        self._prefix = prefix

    async def publish(
        self, topic: TopicName, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> base.RecordPosition:
        """Raises PublishFailed, also where sending again cannot help (a missing topic): then somebody must mend Kafka,
        and until then the sender keeps its event."""
        try:
            position = await self._producer.publish(TOPICS[topic].full_name(self._prefix), key, value, tuple(headers))
        except KafkaError as error:
            raise base.PublishFailed(str(error)) from error
        return base.RecordPosition(position.topic, position.partition, position.offset)

    async def not_ready(self) -> str | None:
        """One sentence if no broker answers just now, else None."""
        if await self._producer.reachable():
            return None
        return "no Kafka broker answers: start it, or correct KAFKA_BOOTSTRAP_SERVERS"
