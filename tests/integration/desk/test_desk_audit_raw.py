"""`audit --kafka` and the topic `raw`: each request became events, or has a row that says why not."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas import envelope, raw
from schemas.codec import to_json
from schemas.commands import CommandRecord, Evidence, Ignored, RefusedEvent
from schemas.envelope import Envelope
from schemas.raw import RawRecord
from schemas.topics import TOPICS, TopicName
from streams.kafka import topics
from streams.kafka.producer import Producer
from streams.kafka.records import Outgoing
from tests.support import batches
from tests.support.desk import Office

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def charge(number: int, **more: Any) -> bytes:
    """Stripe's webhook of a payment for order 1001."""
    thing = {"id": f"ch_{number}", "amount": 2400, "currency": "gbp", "metadata": {"order_id": "1001"}}
    event = {"id": f"evt_{number}", "type": "charge.succeeded", "created": 1_795_000_000, "livemode": True}
    return json.dumps({**event, "data": {"object": thing}, **more}).encode()


def request(body: bytes, trace: int, source: str = "stripe-1") -> tuple[bytes, bytes, Sequence[tuple[str, bytes]]]:
    traceparent = f"00-{trace:032x}-b7ad6b7169203331-01"
    return raw.to_kafka(
        RawRecord(source=source, connector="stripe", body=body, received_at=NOON, traceparent=traceparent)
    )


def payment(number: int) -> Envelope:
    """What normalise makes of the webhook."""
    data = {
        "payment_id": f"ch_{number}",
        "gateway": "stripe",
        "amount": "24.00",
        "currency": "GBP",
        "received_at": "2026-11-24T12:00:00Z",
        "order": {"source": "shop-1", "id": "1001"},
    }
    return Envelope(
        id=f"evt_{number}", source="stripe-1", type="com.ledgerstream.PaymentReceived.v1", data=to_json(data)
    )


def ended(offset: int, outcome: Ignored | RefusedEvent) -> CommandRecord:
    return CommandRecord(topic="raw", partition=0, offset=offset, timestamp_ms=1_795_000_000_000, outcome=outcome)


class Kafka:
    """Partition 0 of the topics of one prefix, and how far the workers' group has come in it."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.bootstrap = bootstrap
        self.prefix = prefix

    async def write(self, topic: TopicName, *records: tuple[bytes, bytes, Sequence[tuple[str, bytes]]]) -> None:
        await topics.ensure(self.bootstrap, self.prefix)
        producer = Producer(self.bootstrap)
        await producer.start()
        name = TOPICS[topic].full_name(self.prefix)
        await producer.send_all(Outgoing(name, key, value, tuple(headers), 0) for key, value, headers in records)
        await producer.stop()

    async def commit(self, offset: int) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, group_id=self.prefix + "group", enable_auto_commit=False
        )
        await consumer.start()
        place = TopicPartition(TOPICS["raw"].full_name(self.prefix), 0)
        consumer.assign([place])
        await consumer.commit({place: offset})
        await consumer.stop()


@pytest.fixture
def kafka(office: Office, broker: str, topic_prefix: str) -> Kafka:
    office.settings |= {
        "KAFKA_BOOTSTRAP_SERVERS": broker,
        "LEDGERSTREAM_TOPIC_PREFIX": topic_prefix,
        "LEDGERSTREAM_CONSUMER_GROUP": topic_prefix + "group",
    }
    return Kafka(broker, topic_prefix)


def take_in(office: Office, *records: CommandRecord) -> None:
    office.on_ledger(lambda ledger: ledger.intake.take_in(records, (0, 100)))


def problems(office: Office, reread: int) -> list[str]:
    typed = office.type("ledgerstream audit --kafka --json")
    assert typed.out, typed.error
    assert typed.json["reread"] == reread, typed.error
    assert typed.code == bool(typed.json["problems"])
    found: list[str] = typed.json["problems"]
    return found


def test_each_request_has_its_end(office: Office, kafka: Kafka) -> None:
    no_json = RefusedEvent(cause="data", stage="normalise", evidence=Evidence(message="no JSON"))
    requests = [request(charge(1), 1), request(charge(2, livemode=False), 2), request(b"{", 3), request(charge(1), 4)]
    asyncio.run(kafka.write("raw", *requests))
    asyncio.run(kafka.write("events.payments", envelope.to_kafka(payment(1))))
    office.take_in(payment(1), topic="events.payments")
    take_in(office, ended(1, Ignored("test mode")), ended(2, no_json))
    assert problems(office, 1) == []
    asyncio.run(kafka.commit(4))
    assert problems(office, 5) == []


def test_a_request_whose_event_is_nowhere_is_lost(office: Office, kafka: Kafka) -> None:
    asyncio.run(kafka.write("raw", *(request(charge(number), number) for number in (1, 2, 3))))
    asyncio.run(kafka.write("events.payments", envelope.to_kafka(payment(1)), envelope.to_kafka(payment(2))))
    office.take_in(payment(1), topic="events.payments")
    # The second is on its way to the ledger, the third was acknowledged and went nowhere.
    asyncio.run(kafka.commit(2))
    assert problems(office, 3) == []
    asyncio.run(kafka.commit(3))
    assert problems(office, 4) == [
        "lost: raw/0/2 of stripe-1 tells stripe-1:evt_3, and neither the ledger nor a topic has all of that"
    ]


def test_a_request_without_an_event_needs_a_row_or_one_on_its_way(office: Office, kafka: Kafka) -> None:
    office.on_ledger(lambda ledger: ledger.identity.read())
    asyncio.run(kafka.write("raw", request(b"{", 1), request(charge(2, livemode=False), 2)))
    coming = to_json(ended(1, Ignored("test mode")))
    asyncio.run(kafka.write("commands", (b"stripe-1", coming, ())))
    asyncio.run(kafka.commit(2))
    [problem] = problems(office, 2)
    assert problem.startswith("raw/0/0 of stripe-1 tells no event today")


def test_a_source_that_was_taken_away_since_has_told_its_events(office: Office, kafka: Kafka) -> None:
    asyncio.run(kafka.write("raw", request(charge(1), 7, "stripe-9"), request(charge(2), 8, "stripe-9")))
    key, value, headers = envelope.to_kafka(payment(1))
    told = CommandRecord(
        topic="events.payments",
        partition=0,
        offset=0,
        timestamp_ms=1_795_000_000_000,
        outcome=Ignored("declined"),
        event_key="stripe-9:evt_1",
        source="stripe-9",
        traceparent=f"00-{7:032x}-b7ad6b7169203331-01",
        key=key,
        value=value,
        headers=tuple(headers),
    )
    asyncio.run(kafka.write("events.payments", (key, value, headers)))
    take_in(office, told)
    asyncio.run(kafka.commit(2))
    found = [problem for problem in problems(office, 3) if problem.startswith("raw/")]
    assert len(found) == 1
    assert found[0].startswith("raw/0/1 of stripe-9 tells no event today")


@pytest.mark.parametrize(
    ("events_known", "row_known", "expected"),
    [
        (True, True, []),
        (False, True, ["lost: raw/0/0 of stripe-1 tells stripe-1:evt_1, and neither"]),
        (True, False, ["raw/0/0 of stripe-1 tells an event that does not fit ($.currency: got pounds, "]),
    ],
)
def test_a_request_of_which_a_part_does_not_fit_has_two_ends(
    office: Office,
    kafka: Kafka,
    monkeypatch: pytest.MonkeyPatch,
    events_known: bool,
    row_known: bool,
    expected: list[str],
) -> None:
    batches.take_the_place_of_stripe(monkeypatch)
    record = batches.request(batches.payment(1), batches.payment(2, "pounds"))
    asyncio.run(kafka.write("raw", (record.key, record.value, record.headers)))
    office.on_ledger(lambda ledger: ledger.identity.read())
    if events_known:
        asyncio.run(kafka.write("events.payments", envelope.to_kafka(payment(1))))
        office.take_in(payment(1), topic="events.payments")
    if row_known:
        take_in(office, ended(0, RefusedEvent(cause="data", stage="normalise", evidence=Evidence(message="pounds"))))
    asyncio.run(kafka.commit(1))
    found = problems(office, 1 + events_known)
    assert [problem[: len(start)] for problem, start in zip(found, expected, strict=True)] == expected
