"""`POST /v1/events`, over real HTTP."""

import json
from typing import Any

import pytest
from cloudevents.conversion import to_binary, to_structured
from cloudevents.http import CloudEvent

from schemas.envelope import STRUCTURED, from_kafka
from tests.unit.receiver.support import (
    BEARER,
    CRM,
    ORDER_TYPE,
    Running,
    event,
    order,
    signature,
)

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def test_a_structured_event_becomes_a_binary_record_keyed_by_its_entity(receiver: Running) -> None:
    reply = await receiver.send_event(event(sequence=7, time="2026-11-24T09:29:00Z", traceparent=TRACE))
    assert reply.status == 202
    assert reply.json == {
        "id": "evt_1",
        "source": "shop-1",
        "topic": "ledgerstream.events.orders",
        "partition": 0,
        "offset": 0,
    }
    [(topic, key, value, headers)] = receiver.publisher.records
    assert (topic, key) == ("events.orders", b"order:1001")
    assert json.loads(value) == order()
    assert headers == {
        "ce_specversion": b"1.0",
        "ce_id": b"evt_1",
        "ce_source": b"shop-1",
        "ce_type": ORDER_TYPE.encode(),
        "ce_time": b"2026-11-24T09:29:00Z",
        "ce_subject": b"order:1001",
        "ce_sequence": b"7",
        "ce_traceparent": TRACE.encode(),
        "content-type": b"application/json",
    }
    assert receiver.last == ("shop-1", "accepted")


async def test_time_and_trace_are_added_where_they_are_missing(receiver: Running) -> None:
    await receiver.send_event(event())
    headers = receiver.publisher.records[0][3]
    assert headers["ce_time"] == b"2026-11-24T09:30:00+00:00"
    assert headers["ce_traceparent"] == f"00-{'ab' * 16}-{'ab' * 8}-01".encode()


@pytest.mark.parametrize(
    ("attribute", "header", "kept"),
    [(TRACE, None, True), (None, TRACE, True), ("broken", TRACE, True), ("broken", "ff" + TRACE[2:], False)],
)
async def test_a_trace_that_came_in_goes_on(
    receiver: Running, attribute: str | None, header: str | None, kept: bool
) -> None:
    headers = BEARER if header is None else {**BEARER, "traceparent": header}
    await receiver.send_event(event(**({"traceparent": attribute} if attribute else {})), headers)
    assert (receiver.publisher.records[0][3]["ce_traceparent"] == TRACE.encode()) is kept


async def test_a_partition_key_and_a_subject_of_the_producer_are_kept(receiver: Running) -> None:
    await receiver.send_event(event(subject="mine"))
    await receiver.send_event(event(subject="mine", partitionkey="part"))
    assert [record[1] for record in receiver.publisher.records] == [b"mine", b"part"]
    assert receiver.publisher.records[1][3]["ce_subject"] == b"mine"


@pytest.mark.parametrize("to_http", [to_structured, to_binary])
async def test_the_cloudevents_library_is_a_producer(receiver: Running, to_http: Any) -> None:
    made = CloudEvent({"type": ORDER_TYPE, "source": "shop-1", "id": "evt_9", "sequence": "3"}, order())
    headers, body = to_http(made)
    if to_http is to_binary:
        headers["Content-Type"] = "application/json"
    reply = await receiver.send(body, {**headers, **signature(body, headers)})
    assert reply.status == 202, reply.json
    _, _, value, record_headers = receiver.publisher.records[0]
    read = from_kafka(record_headers.items(), value)
    assert (read.id, read.sequence, json.loads(read.data)) == ("evt_9", "3", order())


def binary(**attributes: str) -> dict[str, str]:
    named = {"specversion": "1.0", "id": "evt_1", "source": "shop-1", "type": ORDER_TYPE, **attributes}
    return {"Content-Type": "application/json", **{f"ce-{name}": value for name, value in named.items()}}


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("caf%C3%A9%20%221%22", 'café "1"'),
        ('"quoted \\"text\\" \\\\"', 'quoted "text" \\'),
        ("100%25", "100%"),
        ("plain text", "plain text"),
        ("Grüße", "Grüße"),
    ],
)
async def test_attributes_are_decoded_as_the_http_binding_says(receiver: Running, sent: str, meant: str) -> None:
    body, headers = json.dumps(order()).encode(), binary(subject=sent)
    reply = await receiver.send(body, {**headers, **signature(body, headers)})
    assert reply.status == 202, reply.json
    assert receiver.publisher.records[0][3]["ce_subject"].decode() == meant


async def test_a_binary_body_cannot_be_sent_again_under_other_attributes(receiver: Running) -> None:
    body, headers = json.dumps(order()).encode(), binary()
    proof = signature(body, headers)
    assert (await receiver.send(body, {**headers, **proof})).status == 202
    for forged in (binary(id="evt_2"), binary(type=ORDER_TYPE.replace("Placed", "Updated")), binary(sequence="9")):
        assert (await receiver.send(body, {**forged, **proof})).status == 401
    structured = {"Content-Type": STRUCTURED, **proof}
    assert (await receiver.send(body, structured)).status == 401
    assert len(receiver.publisher.records) == 1


@pytest.mark.parametrize(
    ("headers", "result", "source"),
    [
        ({"Authorization": "Bearer wrong"}, "bad_signature", "unknown"),
        ({"Authorization": "Bearer crm-1-token"}, "bad_signature", "crm-1"),
        ({"Authorization": "Bearer stripe-1-token"}, "bad_signature", "unknown"),
        ({**BEARER, "Ledgerstream-Source": "crm-1"}, "bad_signature", "crm-1"),
        ({**BEARER, "Ledgerstream-Source": "nobody"}, "bad_signature", "unknown"),
        (signature(json.dumps(event()).encode(), secret=CRM.secrets[0]), "bad_signature", "crm-1"),
    ],
)
async def test_every_wrong_proof_gets_the_same_401(
    receiver: Running, headers: dict[str, str], result: str, source: str
) -> None:
    reply = await receiver.send_event(event(), headers)
    nothing = await receiver.send_event(event(), {})
    assert reply.status == 401
    assert reply.headers["WWW-Authenticate"] == "Bearer"
    assert reply.body == nothing.body
    assert "Authorization: Bearer" in reply.json["remedy"]
    assert receiver.metrics.requests[0] == (source, result)
    assert receiver.publisher.records == []


async def test_an_event_of_a_source_that_is_not_configured_is_refused(receiver: Running) -> None:
    assert (await receiver.send_event(event(source="shop-9"))).status == 401


async def test_nothing_is_read_before_the_sender_is_proven(receiver: Running) -> None:
    reply = await receiver.send(b"{not json", {"Content-Type": STRUCTURED})
    assert reply.status == 401


@pytest.mark.parametrize(
    ("document", "field", "value", "expected"),
    [
        (event(id=""), "id", "nothing", "a value: CloudEvents requires the attribute"),
        (event(specversion="0.3"), "specversion", "0.3", '"1.0"'),
        (event(time="yesterday"), "time", "yesterday", "RFC 3339"),
        (event(sequence="v2"), "sequence", "v2", "a whole number"),
        (event(data=order(total=12.0)), "data.total", "12.0", "text (in quotes)"),
        (event(data=order(total="12,00")), "data.total", "12,00", "an amount as text"),
        (event(data={}), "data.number", "nothing", "a value"),
        (event(data=[]), "data", "[]", "object"),
        (event(myExtension="x"), "myExtension", "an attribute of this name", "small letters"),
        ([], "$", "[]", "one CloudEvent"),
    ],
)
async def test_a_malformed_event_is_told_field_value_and_remedy(
    receiver: Running, document: Any, field: str, value: str, expected: str
) -> None:
    reply = await receiver.send_event(document)
    assert reply.status == 400
    assert reply.headers["Content-Type"].startswith("application/problem+json")
    problem = reply.json
    assert (problem["status"], problem["field"], problem["value"]) == (400, field, value)
    assert expected in problem["expected"]
    assert field in problem["remedy"]
    assert receiver.last == ("shop-1", "unparseable")
    assert receiver.metrics.misfits == [ORDER_TYPE if field.startswith("data") else None]
    assert receiver.publisher.records == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"nul", b'{"a":' * 100 + b"1" + b"}" * 100, b'{"data":{"a":"\xff"}}']
)
async def test_garbage_is_a_400(receiver: Running, body: bytes) -> None:
    reply = await receiver.send(body, {"Content-Type": STRUCTURED, **BEARER})
    assert (reply.status, reply.json["field"]) == (400, "$")


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ([*binary().items(), ("ce-id", "evt_2")], "id"),
        (list(binary(subject="%FF").items()), "subject"),
        (list(binary(subject='"%ff"').items()), "subject"),
        (list(binary(source="Shop 1").items()), "source"),
        (list(binary(**{"my-name": "x"}).items()), "my-name"),
        ([*list(binary().items())[1:], ("Content-Type", "text/csv")], "datacontenttype"),
    ],
)
async def test_a_malformed_binary_event_is_told_the_attribute(
    receiver: Running, headers: list[tuple[str, str]], field: str
) -> None:
    reply = await receiver.call(
        "POST", "/v1/events", data=json.dumps(order()).encode(), headers=[*headers, *BEARER.items()]
    )
    assert (reply.status, reply.json["field"]) == (400, field)


@pytest.mark.parametrize(
    ("type_", "words"),
    [
        ("com.ledgerstream.OrderPlaced.v2", "up to version 1"),
        ("com.example.thing", "GET /v1/schemas lists them"),
    ],
)
async def test_an_unknown_type_is_told_at_once(receiver: Running, type_: str, words: str) -> None:
    reply = await receiver.send_event(event(type=type_))
    assert (reply.status, reply.json["field"], reply.json["value"]) == (400, "type", type_)
    assert words in reply.json["detail"]
    assert receiver.last == ("shop-1", "unknown_type")


async def test_a_draft_type_is_accepted(receiver: Running) -> None:
    data = {"payout_id": "po_1", "gateway": "stripe", "net": "10.00", "currency": "GBP", "paid_at": "2026-11-24T09:00Z"}
    draft = event(type="com.ledgerstream.PayoutPaid.v1", data={**data, "paid_at": "2026-11-24T09:00:00Z"})
    assert (await receiver.send_event(draft)).status == 202
    assert receiver.publisher.records[0][0] == "events.payouts"


async def test_validate_only_checks(receiver: Running) -> None:
    reply = await receiver.send_event(event(), query="?validate=true")
    assert reply.status == 200
    assert reply.json == {
        "id": "evt_1",
        "source": "shop-1",
        "type": ORDER_TYPE,
        "subject": "order:1001",
        "entity": "shop-1:order:1001",
        "topic": "events.orders",
        "draft": False,
    }
    assert receiver.last == ("shop-1", "validated")
    bad = await receiver.send_event(event(data={}), query="?validate=true")
    assert receiver.metrics.misfits == []
    assert (bad.status, bad.json["field"]) == (400, "data.number")
    assert (await receiver.send_event(event(), {}, "?validate=true")).status == 401
    assert receiver.publisher.records == []
    assert (await receiver.send_event(event(), query="?validate=false")).status == 202


@pytest.mark.parametrize("query", ["?validate=yes", "?validat=true", "?validate="])
async def test_a_mistyped_validate_accepts_nothing(receiver: Running, query: str) -> None:
    reply = await receiver.send_event(event(), query=query)
    assert (reply.status, reply.json["field"]) == (400, "query")
    assert receiver.publisher.records == []


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/json", "application/cloudevents+xml", "application/cloudevents+avro"]
)
async def test_other_media_types_are_a_415(receiver: Running, content_type: str) -> None:
    reply = await receiver.send(b"{}", {"Content-Type": content_type, **BEARER})
    assert reply.status == 415
    assert content_type in reply.json["detail"]
    assert STRUCTURED in reply.json["remedy"]


async def test_the_attributes_count_towards_the_size(receiver: Running) -> None:
    body = json.dumps(order(padding="x" * 290_000)).encode()
    extras = {f"x{number}": "x" * 1000 for number in range(10)}
    small, large = binary(), binary(**extras)
    assert (await receiver.send(body, {**small, **BEARER})).status == 202
    reply = await receiver.send(body, {**large, **BEARER})
    assert (reply.status, reply.json["field"]) == (400, "$")
    assert "with its attributes" in reply.json["value"]
