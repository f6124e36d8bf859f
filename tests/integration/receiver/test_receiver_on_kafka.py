"""The receiver over a real broker: 2xx says that the event is in the topic, and nothing else says so."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from stripe import WebhookSignature

from connectors.receiver import Limits, create_app, serve
from schemas.envelope import BATCH, STRUCTURED, from_kafka
from schemas.raw import from_kafka as raw_from_kafka
from streams.kafka import local, topics
from streams.kafka.broker import JavaBroker
from streams.kafka.producer import Producer
from streams.kafka.publishing import KafkaPublisher
from tests.conftest import HOME
from tests.support.kafka import read_all, until
from tests.unit.receiver.support import (
    BEARER,
    NOW_S,
    SHOP,
    STRIPE,
    STRIPE_DOOR,
    Counted,
    FixedClock,
    MemoryStatus,
    event,
    order,
)

STRUCTURED_HEADERS = {"Content-Type": STRUCTURED, **BEARER}


@dataclass
class Client:
    """A producer over HTTP ."""

    url: str
    http: aiohttp.ClientSession

    async def post(self, path: str, body: str, headers: dict[str, str]) -> tuple[int, str]:
        async with self.http.post(self.url + path, data=body.encode(), headers=headers) as response:
            return response.status, await response.text()

    async def send(self, number: int) -> tuple[int, str]:
        document = event(f"evt_{number}", data=order(str(number)))
        return await self.post("/v1/events", json.dumps(document), STRUCTURED_HEADERS)

    async def ready(self) -> int:
        async with self.http.get(self.url + "/readyz") as response:
            return response.status


@asynccontextmanager
async def receiver(bootstrap: str, prefix: str) -> AsyncIterator[Client]:
    await topics.ensure(bootstrap, prefix)
    producer = Producer(bootstrap, delivery_timeout_s=3)
    await producer.start()
    publisher = KafkaPublisher(producer, prefix)
    app = create_app(
        {config.name: config for config in (SHOP, STRIPE)},
        connectors={STRIPE_DOOR.kind: STRIPE_DOOR},
        publisher=publisher,
        status=MemoryStatus(),
        metrics=Counted(),
        clock=FixedClock(),
        not_ready=publisher.not_ready,
        limits=Limits(publish_timeout_s=1.0),
    )
    try:
        async with serve(app, "127.0.0.1", 0) as (host, port), aiohttp.ClientSession() as http:
            yield Client(f"http://{host}:{port}", http)
    finally:
        await producer.stop()


async def test_what_was_accepted_is_in_its_topic_where_the_answer_says(broker: str, topic_prefix: str) -> None:
    async with receiver(broker, topic_prefix) as client:
        assert await client.ready() == 200
        batch = json.dumps([event(f"evt_{number}", data=order(str(number))) for number in range(40)])
        status, text = await client.post("/v1/events", batch, {"Content-Type": BATCH, **BEARER})
        assert status == 207
        answers = [result["event"] for result in json.loads(text)]
    records = {
        (record.partition, record.offset): record for record in await read_all(broker, topic_prefix + "events.orders")
    }
    assert len(records) == 40
    for number, answer in enumerate(answers):
        record = records[answer["partition"], answer["offset"]]
        found = from_kafka(record.headers, record.value)
        assert (answer["topic"], found.id, record.key) == (record.topic, f"evt_{number}", f"order:{number}".encode())
        assert json.loads(found.data) == order(str(number))


async def test_a_stripe_request_is_in_raw_byte_for_byte(broker: str, topic_prefix: str) -> None:
    body = json.dumps({"id": "evt_1", "object": "event"}, indent=3)
    headers = {"Stripe-Signature": WebhookSignature.generate_signature_header(body, "whsec_one", NOW_S)}
    async with receiver(broker, topic_prefix) as client:
        assert (await client.post("/v1/sources/stripe-1", body, headers))[0] == 200
    [record] = await read_all(broker, topic_prefix + "raw")
    assert (record.key, record.value) == (b"stripe-1", body.encode())
    assert raw_from_kafka(record.headers, record.value).source == "stripe-1"


async def test_a_topic_that_is_missing_accepts_nothing(broker: str, topic_prefix: str) -> None:
    producer = Producer(broker, delivery_timeout_s=1)
    await producer.start()
    publisher = KafkaPublisher(producer, topic_prefix + "missing.")
    app = create_app(
        {SHOP.name: SHOP},
        connectors={},
        publisher=publisher,
        status=MemoryStatus(),
        metrics=Counted(),
        clock=FixedClock(),
        not_ready=publisher.not_ready,
    )
    try:
        async with serve(app, "127.0.0.1", 0) as (host, port), aiohttp.ClientSession() as http:
            assert (await Client(f"http://{host}:{port}", http).send(1))[0] == 503
    finally:
        await producer.stop()


@pytest.fixture
async def own_broker(tmp_path: Path) -> AsyncIterator[JavaBroker]:
    """A broker that this test may kill."""
    installation = await asyncio.to_thread(local.install, HOME)
    broker = JavaBroker(installation, tmp_path / "kafka")
    await asyncio.to_thread(broker.start)
    yield broker
    await asyncio.to_thread(broker.stop)


async def test_2xx_only_after_the_acknowledgement_while_the_broker_is_killed(
    own_broker: JavaBroker, topic_prefix: str
) -> None:
    answers: dict[int, int] = {}
    numbers = iter(range(100_000))
    stop = asyncio.Event()

    async def produce(client: Client) -> None:
        while not stop.is_set():
            number = next(numbers)
            answers[number], _ = await client.send(number)

    async with receiver(own_broker.bootstrap, topic_prefix) as client:
        senders = [asyncio.create_task(produce(client)) for _ in range(8)]
        await asyncio.sleep(0.3)
        await asyncio.to_thread(own_broker.kill)
        await asyncio.sleep(1.5)
        assert await client.ready() == 503
        status, text = await client.send(100_001)
        assert (status, json.loads(text)["status"]) == (503, 503)
        await asyncio.to_thread(own_broker.start)
        mark = next(numbers)
        await until(lambda: any(answers[number] == 202 for number in answers if number > mark), "accepts again")
        stop.set()
        await asyncio.gather(*senders)

    accepted = {f"evt_{number}" for number, status in answers.items() if status == 202}
    refused = {f"evt_{number}" for number, status in answers.items() if status == 503}
    assert accepted
    assert refused
    assert set(answers.values()) == {202, 503}
    records = await read_all(own_broker.bootstrap, topic_prefix + "events.orders")
    ids = [from_kafka(record.headers, record.value).id for record in records]
    # What was answered 503 may be there: its sender sends it again, and the ledger books it once.
    assert accepted <= set(ids)
    assert len(ids) == len(set(ids)), "the producer is idempotent: it stores nothing twice by itself"
