"""Reading topics once more from their beginning, apart from every consumer group: for the audit."""

from collections.abc import AsyncIterator, Mapping
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError as AiokafkaError

from schemas.topics import TOPICS, TopicName
from streams.kafka.errors import BrokerUnavailable
from streams.kafka.records import Record

_READ_TIMEOUT_MS: Final = 500
# So many empty reads in a row mean that the broker holds back what it says it has.
_EMPTY_MAX: Final = 60


async def reread(
    bootstrap: str, prefix: str, ends: Mapping[tuple[TopicName, int], int]
) -> AsyncIterator[tuple[TopicName, int, Record]]:
    """Every record still kept before the offset `ends` gives for (topic, partition). Raises BrokerUnavailable."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        await consumer.start()
        for (topic, partition), end in ends.items():
            place = TopicPartition(TOPICS[topic].full_name(prefix), partition)
            async for record in _partition(consumer, place, end):
                yield topic, partition, record
    except AiokafkaError as error:
        raise BrokerUnavailable(
            f"The topics cannot be read from {bootstrap} ({error}): see that Kafka runs there and "
            "KAFKA_BOOTSTRAP_SERVERS names it."
        ) from error
    finally:
        await consumer.stop()


async def _partition(consumer: AIOKafkaConsumer, place: TopicPartition, end: int) -> AsyncIterator[Record]:
    consumer.assign([place])
    there = (await consumer.end_offsets([place]))[place]
    if there < end:
        raise BrokerUnavailable(
            f"{place.topic} partition {place.partition} ends at {there}, and the ledger took in {end}: this Kafka is "
            "not the one that the ledger was filled from. Name that one in KAFKA_BOOTSTRAP_SERVERS."
        )
    await consumer.seek_to_beginning(place)
    empty = 0
    while await consumer.position(place) < end:
        found = (await consumer.getmany(place, timeout_ms=_READ_TIMEOUT_MS)).get(place, [])
        empty = 0 if found else empty + 1
        if empty > _EMPTY_MAX:
            raise BrokerUnavailable(f"{place.topic} cannot be read to offset {end}: see the broker's log")
        for one in found:
            if one.offset < end:
                yield Record(one.key or b"", one.value or b"", tuple(one.headers), one.offset, one.timestamp)
