"""The package `cloudevents` writes and we read; we write and it reads. On Kafka and over HTTP, in both modes."""

import json
from collections.abc import Mapping
from typing import Any

from cloudevents import kafka
from cloudevents.conversion import to_binary, to_structured
from cloudevents.http import CloudEvent, from_http

from connectors.base import HttpRequest, VerifiedBody
from connectors.cloudevents.reading import Element, read
from schemas.envelope import STRUCTURED, Envelope, from_attributes, from_kafka, to_kafka
from tests.unit.receiver.support import SHOP

DATA = {"order_id": "1001", "note": "naïve 12 €", "lines": [{"quantity": "2"}]}
KNOWN = {
    "id": "evt:1/é",
    "source": "shop-1",
    "type": "com.ledgerstream.OrderPlaced.v1",
    "time": "2026-11-24T09:30:00.250000+00:00",
    "subject": "order:1001",
    "dataschema": "https://ledgerstream.example/schemas/OrderPlaced",
    "sequence": "7",
    "correlationid": "c-1",
    "causationid": "c-0",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "region": "eu west",
}
ATTRIBUTES = {"specversion": "1.0", **KNOWN, "datacontenttype": "application/json"}


def expect(event: Envelope, attributes: Mapping[str, Any] = KNOWN) -> None:
    assert event.attributes() == {"specversion": "1.0", **attributes}
    assert json.loads(event.data) == DATA


def received(message: kafka.KafkaMessage) -> tuple[list[tuple[str, bytes]], bytes]:
    """Headers and value, as a consumer gets them."""
    assert isinstance(message.value, bytes)
    return list(message.headers.items()), message.value


def over_http(headers: Mapping[str, str], body: bytes) -> Envelope:
    named = tuple((name.lower(), value) for name, value in headers.items())
    found = read(VerifiedBody(HttpRequest("POST", "/v1/events", named, body), lambda _: (SHOP,)))
    assert isinstance(found, Element)
    assert isinstance(found.event, Envelope), found.event
    return found.event


def test_its_binary_records_are_read() -> None:
    message = kafka.to_binary(CloudEvent(ATTRIBUTES, DATA))
    assert "ce_id" in message.headers
    expect(from_kafka(*received(message)))


def test_its_structured_records_are_read() -> None:
    """It writes the data's content type where the Kafka binding wants the envelope's, as other packages do."""
    message = kafka.to_structured(CloudEvent(ATTRIBUTES, DATA))
    written, value = received(message)
    assert written == [("content-type", b"application/json")]
    for headers in (written, [], [("content-type", STRUCTURED.encode())]):
        expect(from_kafka(headers, value))


def test_its_partition_key_is_the_records_key_and_needs_no_header() -> None:
    message = kafka.to_binary(CloudEvent({**ATTRIBUTES, "partitionkey": "order:1001"}, DATA))
    assert (message.key, "ce_partitionkey" in message.headers) == ("order:1001", False)
    expect(from_kafka(*received(message)))
    structured = kafka.to_structured(CloudEvent({**ATTRIBUTES, "partitionkey": "order:1001"}, DATA))
    expect(from_kafka(*received(structured)), {**KNOWN, "partitionkey": "order:1001"})


def test_our_records_are_read_by_it() -> None:
    key, value, headers = to_kafka(from_attributes({**ATTRIBUTES, "partitionkey": "p"}, json.dumps(DATA).encode()))
    event = kafka.from_binary(kafka.KafkaMessage(dict(headers), key.decode(), value))
    assert event.get_attributes() == {**ATTRIBUTES, "partitionkey": "p"}
    assert event.get_data() == DATA


def test_its_requests_are_read() -> None:
    for convert in (to_binary, to_structured):
        headers, body = convert(CloudEvent({**ATTRIBUTES, "id": "evt:1"}, DATA))
        expect(over_http(headers, body), {**KNOWN, "id": "evt:1"})


def test_our_documents_are_read_by_it() -> None:
    event = from_attributes(ATTRIBUTES, json.dumps(DATA).encode())
    body = json.dumps({**event.attributes(), "data": json.loads(event.data)})
    read_back = from_http({"content-type": STRUCTURED}, body)
    assert read_back.get_attributes() == {
        name: value for name, value in ATTRIBUTES.items() if name != "datacontenttype"
    }
    assert read_back.get_data() == DATA


def test_what_it_makes_of_nearly_nothing_is_read() -> None:
    message = kafka.to_binary(
        CloudEvent({"source": "shop-1", "type": "t", "datacontenttype": "application/json"}, DATA)
    )
    event = from_kafka(*received(message))
    assert (event.source, event.type, event.time is not None) == ("shop-1", "t", True)
