"""`audit --kafka`: the records are read again from a real broker and compared with the ledger's rows."""

import asyncio
import sqlite3

from schemas import envelope
from schemas.envelope import Envelope
from schemas.topics import TOPICS
from streams.kafka import topics
from streams.kafka.producer import Producer
from streams.kafka.records import Outgoing
from tests.support.desk import Office, order


def publish(bootstrap: str, prefix: str, events: tuple[Envelope, ...]) -> None:
    """Write the events into partition 0 of events.orders, in order."""

    async def run() -> None:
        await topics.ensure(bootstrap, prefix)
        producer = Producer(bootstrap)
        await producer.start()
        name = TOPICS["events.orders"].full_name(prefix)
        records = [envelope.to_kafka(event) for event in events]
        await (await producer.enqueue(Outgoing(name, key, value, tuple(headers), 0) for key, value, headers in records))
        await producer.stop()

    asyncio.run(run())


def test_what_kafka_holds_is_what_the_ledger_took_in(office: Office, broker: str, topic_prefix: str) -> None:
    office.settings |= {"KAFKA_BOOTSTRAP_SERVERS": broker, "LEDGERSTREAM_TOPIC_PREFIX": topic_prefix}
    first = order("e1", "1001")
    events = (first, order("e2", "1002", rate="17.5"), first, order("e3", "1003"))
    publish(broker, topic_prefix, (*events, order("e4", "1004")))
    office.take_in(*events)
    typed = office.type("ledgerstream audit --kafka --json")
    assert (typed.code, typed.json["reread"], typed.json["problems"]) == (0, 4, [])

    # A row that is another event's, though every sum still adds up: only Kafka can tell.
    database = sqlite3.connect(office.url.removeprefix("sqlite:///"))
    database.execute("UPDATE events SET digest = 'another' WHERE event_key = 'shop-1:e3'")
    database.commit()
    database.close()
    assert office.type("ledgerstream audit --json").code == 0
    typed = office.type("ledgerstream audit --kafka --json")
    assert typed.code == 1
    assert any("shop-1:e3" in problem for problem in typed.json["problems"])


def test_another_cluster_is_named_as_such(office: Office, broker: str, topic_prefix: str) -> None:
    office.settings |= {"KAFKA_BOOTSTRAP_SERVERS": broker, "LEDGERSTREAM_TOPIC_PREFIX": topic_prefix}
    publish(broker, topic_prefix, ())
    office.take_in(order("e1", "1001"))
    typed = office.type("ledgerstream audit --kafka")
    assert typed.code == 3
    assert "not the one that the ledger was filled from" in typed.error
    del office.settings["KAFKA_BOOTSTRAP_SERVERS"]
    assert office.type("ledgerstream audit --kafka").code == 3
