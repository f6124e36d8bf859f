"""Topics made and checked, and records sent, on a real broker."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.topics import TOPICS
from streams.kafka import topics
from streams.kafka.errors import BrokerUnavailable, RecordTooLarge, TopicMissing
from streams.kafka.producer import RECORD_BYTES_MAX, Producer
from streams.kafka.records import Outgoing
from tests.support.kafka import read_all


@pytest.fixture
async def producer(broker: str, topic_prefix: str) -> AsyncIterator[Producer]:
    await topics.ensure(broker, topic_prefix)
    own = Producer(broker, delivery_timeout_s=2)
    await own.start()
    yield own
    await own.stop()


async def test_topics_are_created_once(broker: str, topic_prefix: str) -> None:
    assert {report.state for report in await topics.check(broker, topic_prefix)} == {"missing"}
    created = await topics.ensure(broker, topic_prefix)
    assert [report.name for report in created] == [topic_prefix + name for name in TOPICS]
    assert {report.state for report in created} == {"created"}
    again = await topics.ensure(broker, topic_prefix)
    assert {(report.state, report.differences) for report in again} == {("ok", ())}


async def test_what_differs_is_named_with_its_remedy(broker: str, topic_prefix: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    name = topic_prefix + "commands"
    await admin.create_topics(
        [NewTopic(name, 2, 1, topic_configs={"retention.ms": "1000", "cleanup.policy": "compact"})]
    )
    await admin.close()

    for reports in (await topics.ensure(broker, topic_prefix), await topics.check(broker, topic_prefix)):
        [report] = [report for report in reports if report.state == "different"]
        assert report.name == name
        found = {difference.setting: (difference.found, difference.wanted) for difference in report.differences}
        assert found == {
            "partitions": ("2", "4"),
            "cleanup.policy": ("compact", "delete"),
            "retention.ms": ("1000", str(35 * 24 * 3600 * 1000)),
        }
        remedies = {difference.setting: difference.remedy for difference in report.differences}
        assert "ledgerstream topics" in remedies["partitions"]
        assert f"--entity-name {name} --add-config cleanup.policy=delete" in remedies["cleanup.policy"]


async def test_records_are_acknowledged_in_their_order(producer: Producer, broker: str, topic_prefix: str) -> None:
    topic = topic_prefix + "raw"
    sent = [Outgoing(topic, b"k", b"%d" % number, (("n", b"%d" % number),), number % 2) for number in range(3000)]
    first = await producer.enqueue(sent[:2000])
    second = await producer.enqueue(sent[2000:])
    positions = await first + await second
    found = {(record.partition, record.offset): record for record in await read_all(broker, topic)}
    assert len(found) == len(sent)
    for outgoing, position in zip(sent, positions, strict=True):
        record = found[position.partition, position.offset]
        assert (record.value, record.headers, position.topic) == (outgoing.value, outgoing.headers, topic)
    for partition in (0, 1):
        offsets = [position.offset for position in positions if position.partition == partition]
        assert offsets == sorted(offsets)


async def test_the_key_chooses_the_partition(producer: Producer, topic_prefix: str) -> None:
    positions = [await producer.publish(topic_prefix + "raw", b"shop-1:order:1001", b"v") for _ in range(3)]
    assert len({position.partition for position in positions}) == 1


async def test_a_record_that_no_broker_takes_is_told_apart(producer: Producer, topic_prefix: str) -> None:
    topic = topic_prefix + "raw"
    with pytest.raises(RecordTooLarge, match=f"{RECORD_BYTES_MAX + 1} bytes for {topic}.*shorten"):
        await producer.publish(topic, b"k", b"v" * RECORD_BYTES_MAX)
    assert (await producer.publish(topic, b"k", b"v" * (RECORD_BYTES_MAX - 1000))).topic == topic


async def test_a_missing_topic_is_named(producer: Producer, topic_prefix: str) -> None:
    with pytest.raises(TopicMissing, match=f"{topic_prefix}nowhere .*`ledgerstream topics`"):
        await producer.publish(topic_prefix + "nowhere", b"k", b"v")


async def test_a_stopped_producer_says_so(producer: Producer, topic_prefix: str) -> None:
    await producer.stop()
    with pytest.raises(BrokerUnavailable, match="stopped"):
        await producer.publish(topic_prefix + "raw", b"k", b"v")


async def test_no_broker_is_a_sentence() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        for attempt in (Producer(address).start(), topics.check(address)):
            with pytest.raises(BrokerUnavailable, match=f"no Kafka answers at {address}.*KAFKA_BOOTSTRAP_SERVERS"):
                await attempt


async def test_a_broker_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(BrokerUnavailable, match=f"no Kafka answers at {address}"):
            await asyncio.wait_for(Producer(address, delivery_timeout_s=1).start(), 10)
