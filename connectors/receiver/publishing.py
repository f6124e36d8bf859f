"""Into Kafka within a bounded time, or not accepted."""

import asyncio
from collections.abc import Sequence

import structlog

from connectors.base import PublishFailed, RecordPosition
from connectors.receiver import problems
from connectors.receiver.parts import Parts
from schemas.topics import TopicName

_log = structlog.get_logger()


async def publish(
    parts: Parts, topic: TopicName, record: tuple[bytes, bytes, Sequence[tuple[str, bytes]]], timeout_s: float
) -> RecordPosition:
    """Where the broker acknowledged the record. Raises Refusal (503): then the sender must send again."""
    key, value, headers = record
    try:
        async with asyncio.timeout(timeout_s):
            return await parts.publisher.publish(topic, key, value, headers)
    except (PublishFailed, TimeoutError) as error:
        _log.warning("not_published", topic=topic, error=str(error) or "no acknowledgement in time")
        raise problems.unavailable("Kafka does not take records just now", parts.limits.retry_after_s) from None
