"""Our own producer beside Faust's: everything sent is awaited to the broker's acknowledgement, in bounded time."""

import asyncio
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka import errors as aiokafka_errors
from aiokafka.partitioner import DefaultPartitioner

from streams.kafka.errors import BrokerUnavailable, KafkaError, RecordTooLarge, TopicMissing, no_answer
from streams.kafka.records import Headers, Outgoing, RecordPosition

RECORD_BYTES_MAX: Final = 1024 * 1024
_BATCH_BYTES: Final = 256 * 1024
_LINGER_MS: Final = 5
_DELIVERY_TIMEOUT_S: Final = 30.0
_STOP_TIMEOUT_S: Final = 4.0
_LOOK_TIMEOUT_S: Final = 2.0
_chosen: Final = DefaultPartitioner()


class Producer:
    """An idempotent producer (acks=all). One is enough for a process; every method is for the loop that started it.

    An error means: not known to be delivered. It may still arrive, so whoever sends again sends the same id.
    """

    def __init__(self, bootstrap: str, *, delivery_timeout_s: float = _DELIVERY_TIMEOUT_S) -> None:
        self._bootstrap = bootstrap
        self._timeout_s = delivery_timeout_s
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect. Raises BrokerUnavailable within the delivery timeout."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            client_id="ledgerstream",
            acks="all",
            enable_idempotence=True,
            linger_ms=_LINGER_MS,
            max_batch_size=_BATCH_BYTES,
            max_request_size=RECORD_BYTES_MAX,
            partitioner=partition_of,
            request_timeout_ms=int(self._timeout_s * 1000),
        )
        starting = asyncio.ensure_future(producer.start())
        try:
            await self._settled([starting])
            await starting
        except (aiokafka_errors.KafkaError, BrokerUnavailable) as error:
            await _close(producer)
            raise no_answer(self._bootstrap, error) from error
        self._producer = producer

    async def stop(self) -> None:
        """Wait at most 4 s for what is under way, then close. Calling it again does nothing."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _close(producer)

    async def reachable(self) -> bool:
        """Whether a broker answers within two seconds."""
        if self._producer is None:
            return False
        try:
            async with asyncio.timeout(_LOOK_TIMEOUT_S):
                return bool(await self._producer.client.force_metadata_update())
        except TimeoutError:
            return False

    async def enqueue(self, records: Iterable[Outgoing]) -> "asyncio.Future[list[RecordPosition]]":
        """Take the records in order; the future ends when the broker has acknowledged every one.

        Returns early so that the next records can follow while these are under way; waits only when a batch is full.
        Raises, as the future does, BrokerUnavailable, TopicMissing or RecordTooLarge.
        """
        under_way: list[asyncio.Future[Any]] = []
        try:
            for record in records:
                # The order within a partition is the order of these calls, because send() appends before it yields.
                under_way.append(await self._send(record))
        except (KafkaError, asyncio.CancelledError):
            _told_already(under_way)
            raise
        return asyncio.ensure_future(self._acknowledged(under_way))

    async def send_all(self, records: Iterable[Outgoing]) -> list[RecordPosition]:
        """Send and wait until every record is acknowledged; the positions are in the order of the records."""
        return await (await self.enqueue(records))

    async def publish(
        self, topic: str, key: bytes, value: bytes, headers: Headers = (), partition: int | None = None
    ) -> RecordPosition:
        """Send one record and wait for its acknowledgement. Safe to cancel: the record may then still arrive."""
        under_way = await self._send(Outgoing(topic, key, value, headers, partition))
        [position] = await self._acknowledged([under_way])
        return position

    async def _send(self, record: Outgoing) -> "asyncio.Future[Any]":
        producer = self._producer
        if producer is None:
            raise BrokerUnavailable("the producer is not started or was stopped: nothing was sent")
        try:
            sent: asyncio.Future[Any] = await producer.send(
                record.topic,
                value=record.value,
                key=record.key,
                partition=record.partition,
                headers=list(record.headers),
            )
        except aiokafka_errors.KafkaError as error:
            raise self._told(error, record) from error
        return sent

    async def _acknowledged(self, under_way: Sequence["asyncio.Future[Any]"]) -> list[RecordPosition]:
        await self._settled(under_way)
        try:
            answers = [future.result() for future in under_way]
        except aiokafka_errors.KafkaError as error:
            _told_already(under_way)
            raise self._told(error, None) from error
        return [RecordPosition(answer.topic, answer.partition, answer.offset) for answer in answers]

    async def _settled(self, futures: Sequence["asyncio.Future[Any]"]) -> None:
        """Wait for all within the delivery timeout; an idempotent aiokafka producer by itself retries for ever."""
        if not futures:
            return
        try:
            if len(futures) == 1:
                await _ended(futures[0], self._timeout_s)
            else:
                await asyncio.wait(futures, timeout=self._timeout_s)
        except asyncio.CancelledError:
            _told_already(futures)
            raise
        pending = [future for future in futures if not future.done()]
        if pending:
            _told_already(futures)
            raise BrokerUnavailable(
                f"{self._bootstrap} did not acknowledge {len(pending)} of {len(futures)} requests within "
                f"{self._timeout_s:g} s: see the broker's log, free disk space and min.insync.replicas"
            )

    def _told(self, error: aiokafka_errors.KafkaError, record: Outgoing | None) -> KafkaError:
        if isinstance(error, aiokafka_errors.MessageSizeTooLargeError):
            size = f"{len(record.key) + len(record.value)} bytes for {record.topic}" if record else "one record"
            return RecordTooLarge(f"{size}: a record has at most {RECORD_BYTES_MAX} bytes with its headers; shorten it")
        if isinstance(error, aiokafka_errors.UnknownTopicOrPartitionError):
            topic = record.topic if record else "a topic"
            return TopicMissing(f"{topic} is not on {self._bootstrap}: create it with `ledgerstream topics`")
        return BrokerUnavailable(
            f"{self._bootstrap} did not take a record ({error or type(error).__name__}): see the broker's log; "
            "what was not acknowledged is sent again"
        )


def partition_of(key: bytes | None, partitions: list[int], available: list[int]) -> int:
    """The partition that Kafka's own clients choose for a key, by aiokafka's hash. That one is written in Python, and
    keys come again and again, so it is remembered."""
    if key is None:
        chosen: int = _chosen(None, partitions, available)
        return chosen
    return partitions[_place(key, len(partitions))]


@lru_cache(maxsize=4096)
def _place(key: bytes, partitions: int) -> int:
    place: int = _chosen(key, list(range(partitions)), [])
    return place


async def _ended(future: "asyncio.Future[Any]", timeout_s: float) -> None:
    """Wait for one future, or so long. What `asyncio.wait` does for many costs a request several times as much."""
    if future.done():
        return
    loop = asyncio.get_running_loop()
    waiter = loop.create_future()

    def end(_ended: object = None) -> None:
        if not waiter.done():
            waiter.set_result(None)

    timer = loop.call_later(timeout_s, end)
    future.add_done_callback(end)
    try:
        await waiter
    finally:
        timer.cancel()
        future.remove_done_callback(end)


def _told_already(futures: Iterable["asyncio.Future[Any]"]) -> None:
    """Keep asyncio from reporting failures that were told once for all, or that nobody waits for any more."""
    for future in futures:
        future.add_done_callback(_retrieve)


def _retrieve(future: "asyncio.Future[Any]") -> None:
    if not future.cancelled():
        future.exception()


async def _close(producer: AIOKafkaProducer) -> None:
    closing = asyncio.ensure_future(producer.stop())
    _, pending = await asyncio.wait({closing}, timeout=_STOP_TIMEOUT_S)
    if pending:
        closing.cancel()
        await producer.client.close()
    closing.add_done_callback(_retrieve)
