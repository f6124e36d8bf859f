"""The outside world: shops, a CRM, a job tool and Stripe over HTTP, and producers straight into Kafka.

A good sender sends until it is answered. What was answered 2xx, or acknowledged, is in the log; nothing of ours.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import aiohttp
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.chaos import doors
from tests.chaos.doors import Request
from tests.chaos.log import Entry, Log
from tests.chaos.mix import Delivery

_AGAIN_S: Final = 0.15
_ANSWER_S: Final = 4.0
# No hurry, says a proof that is too old, and no place: neither is an answer to the event itself.
_TRY_AGAIN: Final = frozenset({401, 408, 429, 500, 502, 503, 504})


class NotAnswered(Exception):
    """A sender was not answered for as long as a round may take."""


@dataclass(slots=True)
class Senders:
    """`now` gives unix seconds, for signatures. `receiver` is the address of the HTTP door."""

    session: aiohttp.ClientSession
    receiver: str
    kafka: "KafkaDoor"
    log: Log
    now: Callable[[], float]

    async def send(self, deliveries: Sequence[Delivery], patience_s: float) -> None:
        """Send everything at its time. Raises NotAnswered if something is not answered `patience_s` after the last."""
        last = max((one.at for one in deliveries), default=0.0)
        work = [asyncio.ensure_future(self._at(at, some)) for at, some in _together(deliveries)]
        done, pending = await asyncio.wait(work, timeout=last + patience_s)
        for task in pending:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        for task in done:
            task.result()
        if pending:
            raise NotAnswered(f"{len(pending)} requests were not answered within {patience_s:.0f} s of the last event")

    async def _at(self, at: float, deliveries: Sequence[Delivery]) -> None:
        await asyncio.sleep(at)
        first = deliveries[0]
        if first.way in ("kafka", "kafka binary"):
            for one in deliveries:
                await self.kafka.send(doors.record(one.body, binary=one.way == "kafka binary"))
                self._note("acknowledged", one)
        elif first.way == "batch":
            await self._batch(deliveries)
        else:
            for one in deliveries:
                self._note(str((await self._post(_request(one)))[0]), one)

    async def _batch(self, deliveries: Sequence[Delivery]) -> None:
        """Each event of a batch has an answer of its own; those that were not taken go again."""
        bodies = [one.body for one in deliveries]
        _, answers = await self._post(lambda at: doors.batch(deliveries[0].source, bodies, at))
        left = []
        for one, answer in zip(deliveries, answers, strict=True):
            if answer["status"] in _TRY_AGAIN:
                left.append(one)
            else:
                self._note(str(answer["status"]), one)
        if left:
            await asyncio.sleep(_AGAIN_S)
            await self._batch(left)

    async def _post(self, request: Callable[[int], Request]) -> tuple[int, Any]:
        """Until there is an answer to the event itself: a lost answer is no answer."""
        while True:
            path, headers, body = request(int(self.now()))
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, json.JSONDecodeError):
                timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
                async with self.session.post(
                    self.receiver + path, data=body, headers=headers, timeout=timeout
                ) as response:
                    if response.status not in _TRY_AGAIN:
                        return response.status, json.loads(await response.read())
            await asyncio.sleep(_AGAIN_S)

    def _note(self, answer: str, one: Delivery) -> None:
        self.log.add(Entry(answer, one.way, one.source, one.body, one.word))


def _together(deliveries: Sequence[Delivery]) -> list[tuple[float, list[Delivery]]]:
    """What goes in one request or task: the events of a source's batch within half a second; all else alone."""
    alone = [(one.at, [one]) for one in deliveries if one.way != "batch"]
    batches = sorted((one for one in deliveries if one.way == "batch"), key=_batch_of)
    return alone + [(key[1] / 2, list(some)) for key, some in groupby(batches, _batch_of)]


def _batch_of(one: Delivery) -> tuple[str, int]:
    return one.source, int(one.at * 2)


def _request(one: Delivery) -> Callable[[int], Request]:
    ways = {"single": doors.single, "binary": doors.binary, "webhook": doors.webhook}
    return lambda at: ways[one.way](one.source, one.body, at)


class KafkaDoor:
    """A producer of somebody else's, that asks for every replica's word and repeats what was not acknowledged."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._bootstrap = bootstrap
        self.prefix = prefix
        self._producer: AIOKafkaProducer | None = None
        self._lock = asyncio.Lock()

    async def send(self, record: doors.Record) -> None:
        """Returns when the broker has acknowledged the record."""
        while True:
            try:
                producer = await self._started()
                sending = producer.send_and_wait(
                    self.prefix + record.topic, record.value, key=record.key, headers=list(record.headers)
                )
                await asyncio.wait_for(sending, _ANSWER_S)
                return
            except (KafkaError, TimeoutError, OSError):
                await asyncio.sleep(_AGAIN_S)

    async def stop(self) -> None:
        """Close the connections."""
        if self._producer is not None:
            await self._producer.stop()
            self._producer = None

    async def _started(self) -> AIOKafkaProducer:
        async with self._lock:
            if self._producer is None:
                producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap, acks="all", request_timeout_ms=3000)
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer


@contextlib.asynccontextmanager
async def senders(
    receiver: str, bootstrap: str, prefix: str, log: Log, now: Callable[[], float]
) -> AsyncIterator[Senders]:
    """Senders with their connections."""
    kafka = KafkaDoor(bootstrap, prefix)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=20)) as session:
        try:
            yield Senders(session, receiver, kafka, log, now)
        finally:
            await kafka.stop()
