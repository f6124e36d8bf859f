"""The last record of a topic with one partition, as the compacted topic `ledger` is read at a worker's start."""

from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError as AiokafkaError

from streams.kafka.errors import BrokerUnavailable

_READ_TIMEOUT_MS: Final = 500
_TRIES: Final = 40


async def last_value(bootstrap: str, topic: str) -> bytes | None:
    """The value of the last record of partition 0, None if there is none. Raises BrokerUnavailable."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    partition = TopicPartition(topic, 0)
    try:
        await consumer.start()
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        # The offset before the end may be a transaction's marker: read on from a little before it.
        consumer.seek(partition, max(0, end - 10))
        last: bytes | None = None
        for _ in range(_TRIES):
            if await consumer.position(partition) >= end:
                return last
            for records in (await consumer.getmany(partition, timeout_ms=_READ_TIMEOUT_MS)).values():
                last = records[-1].value if records else last
    except AiokafkaError as error:
        raise BrokerUnavailable(f"{topic} cannot be read from {bootstrap} ({error}): see the broker's log") from error
    finally:
        await consumer.stop()
    raise BrokerUnavailable(f"{topic} cannot be read to its end from {bootstrap}: see the broker's log")
