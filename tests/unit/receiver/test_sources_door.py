"""`POST /v1/sources/{source}`: what goes into `raw`, and where there is no door. The rest is in tests/conformance."""

import json

import pytest
from stripe import WebhookSignature

from schemas.raw import from_kafka
from tests.unit.receiver.support import NOW, NOW_S, Reply, Running

BODY = json.dumps({"id": "evt_1", "object": "event", "type": "charge.succeeded", "note": "café"}, ensure_ascii=False)
PATH = "/v1/sources/stripe-1"


HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "Stripe-Signature": WebhookSignature.generate_signature_header(BODY, "whsec_one", NOW_S),
}


async def post(receiver: Running, headers: dict[str, str], body: str = BODY, path: str = PATH) -> Reply:
    return await receiver.call("POST", path, data=body.encode(), headers=headers)


async def test_a_signed_request_goes_into_raw_byte_for_byte(receiver: Running) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    reply = await post(receiver, {**HEADERS, "traceparent": trace, "X-Shop-Topic": "t", "Cookie": "no"})
    assert (reply.status, reply.json) == (200, {"received": True})
    [(topic, key, value, headers)] = receiver.publisher.records
    assert (topic, key, value) == ("raw", b"stripe-1", BODY.encode())
    record = from_kafka(headers.items(), value)
    assert (record.source, record.connector, record.received_at) == ("stripe-1", "stripe", NOW)
    assert (record.content_type, record.traceparent) == ("application/json; charset=utf-8", trace)
    assert record.headers == {"x-shop-topic": "t"}
    assert receiver.last == ("stripe-1", "accepted")


@pytest.mark.parametrize("source", ["nobody", "shop-1"])
async def test_a_source_without_this_door_is_a_404(receiver: Running, source: str) -> None:
    reply = await post(receiver, HEADERS, path=f"/v1/sources/{source}")
    assert reply.status == 404
    assert "/v1/events" in reply.json["remedy"]
    assert receiver.last == ("unknown", "not_found")
