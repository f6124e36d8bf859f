"""Reading topics once more, apart from what any consumer group reads: for the audit."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    KafkaConnectionError,
    NotCoordinatorForGroupError,
)
from aiokafka.errors import KafkaError as AiokafkaError
from aiokafka.structs import OffsetAndMetadata

from schemas.topics import TOPICS, TopicName
from streams.kafka.errors import BrokerUnavailable, no_answer
from streams.kafka.records import Record, Reread

Place = tuple[TopicName, int]

_READ_TIMEOUT_MS: Final = 500
# So many empty reads in a row mean that the broker holds back what it says it has.
_EMPTY_MAX: Final = 60
_COORDINATOR_TRIES: Final = 40
_COORDINATOR_PAUSE_S: Final = 0.25


async def reread(bootstrap: str, prefix: str, ends: Mapping[Place, int]) -> Reread:
    """Every record still kept before the offset `ends` gives for (topic, partition). Raises BrokerUnavailable."""
    if not ends:
        # aiokafka cannot stop a consumer that was given nothing to read.
        return
    async with _consumer(bootstrap) as consumer:
        for (topic, number), end in ends.items():
            partition = TopicPartition(TOPICS[topic].full_name(prefix), number)
            consumer.assign([partition])
            there = (await consumer.end_offsets([partition]))[partition]
            if there < end:
                raise BrokerUnavailable(
                    f"{partition.topic} partition {number} ends at {there}, and {end} records of it were taken in: "
                    "this Kafka is not the one that the ledger was filled from. Name that one in "
                    "KAFKA_BOOTSTRAP_SERVERS."
                )
            await consumer.seek_to_beginning(partition)
            async for record in _until(consumer, partition, end):
                yield topic, number, record


async def ahead(bootstrap: str, prefix: str, topics: Iterable[TopicName], starts: Mapping[Place, int]) -> Reread:
    """Every record that the topics hold now from the offset `starts` gives for (topic, partition), else from the first.

    Raises BrokerUnavailable.
    """
    async with _consumer(bootstrap) as consumer:
        for topic in topics:
            for number in range(TOPICS[topic].partitions):
                partition = TopicPartition(TOPICS[topic].full_name(prefix), number)
                consumer.assign([partition])
                end = (await consumer.end_offsets([partition]))[partition]
                first = (await consumer.beginning_offsets([partition]))[partition]
                consumer.seek(partition, max(starts.get((topic, number), first), first))
                async for record in _until(consumer, partition, end):
                    yield topic, number, record


async def committed(bootstrap: str, prefix: str, topic: TopicName, group: str) -> Mapping[Place, int]:
    """Before which offset a consumer group has done with each partition of a topic. Raises BrokerUnavailable."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        offsets = await _offsets(admin, group)
    except AiokafkaError as error:
        raise _unavailable(bootstrap, error) from error
    finally:
        await admin.close()
    name = TOPICS[topic].full_name(prefix)
    return {
        (topic, partition.partition): found.offset
        for partition, found in sorted(offsets.items())
        if partition.topic == name and found.offset > 0
    }


async def _offsets(admin: AIOKafkaAdminClient, group: str) -> Mapping[TopicPartition, OffsetAndMetadata]:
    """The group's offsets. A broker that has just started must first find who keeps them."""
    for _ in range(_COORDINATOR_TRIES):
        with suppress(GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError):
            found: Mapping[TopicPartition, OffsetAndMetadata] = await admin.list_consumer_group_offsets(group)
            return found
        await asyncio.sleep(_COORDINATOR_PAUSE_S)
    raise BrokerUnavailable(f"The broker does not tell how far the group {group} has come: see the broker's log.")


@asynccontextmanager
async def _consumer(bootstrap: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        await consumer.start()
        yield consumer
    except AiokafkaError as error:
        raise _unavailable(bootstrap, error) from error
    finally:
        await consumer.stop()


def _unavailable(bootstrap: str, error: Exception) -> BrokerUnavailable:
    if isinstance(error, KafkaConnectionError):
        return no_answer(bootstrap, error)
    return BrokerUnavailable(
        f"The topics cannot be read from {bootstrap} ({error}): see that Kafka runs there and KAFKA_BOOTSTRAP_SERVERS "
        "names it."
    )


async def _until(consumer: AIOKafkaConsumer, partition: TopicPartition, end: int) -> AsyncIterator[Record]:
    empty = 0
    while await consumer.position(partition) < end:
        found = (await consumer.getmany(partition, timeout_ms=_READ_TIMEOUT_MS)).get(partition, [])
        empty = 0 if found else empty + 1
        if empty > _EMPTY_MAX:
            raise BrokerUnavailable(f"{partition.topic} cannot be read to offset {end}: see the broker's log")
        for one in found:
            if one.offset < end:
                yield Record(one.key or b"", one.value or b"", tuple(one.headers), one.offset, one.timestamp)
