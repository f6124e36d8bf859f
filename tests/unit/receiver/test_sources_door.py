"""`POST /v1/sources/{source}`: Stripe's door, over real HTTP."""

import json
from dataclasses import dataclass

import pytest
from stripe import WebhookSignature

from schemas.raw import from_kafka
from tests.unit.receiver.support import NOW, NOW_S, Reply, Running

BODY = json.dumps({"id": "evt_1", "object": "event", "type": "charge.succeeded", "note": "café"}, ensure_ascii=False)
PATH = "/v1/sources/stripe-1"


@dataclass(frozen=True)
class Signed:
    """What Stripe would put into its header."""

    secret: str = "whsec_one"
    at: int = NOW_S
    body: str = BODY

    @property
    def headers(self) -> dict[str, str]:
        header = WebhookSignature.generate_signature_header(self.body, self.secret, self.at)
        return {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": header}


async def post(receiver: Running, headers: dict[str, str], body: str = BODY, path: str = PATH) -> Reply:
    return await receiver.call("POST", path, data=body.encode(), headers=headers)


async def test_a_signed_request_goes_into_raw_byte_for_byte(receiver: Running) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    reply = await post(receiver, {**Signed().headers, "traceparent": trace, "X-Shop-Topic": "t", "Cookie": "no"})
    assert (reply.status, reply.json) == (200, {"received": True})
    [(topic, key, value, headers)] = receiver.publisher.records
    assert (topic, key, value) == ("raw", b"stripe-1", BODY.encode())
    record = from_kafka(headers.items(), value)
    assert (record.source, record.connector, record.received_at) == ("stripe-1", "stripe", NOW)
    assert (record.content_type, record.traceparent) == ("application/json; charset=utf-8", trace)
    assert record.headers == {"x-shop-topic": "t"}
    assert receiver.last == ("stripe-1", "accepted")


@pytest.mark.parametrize(
    ("headers", "result"),
    [
        ({}, "bad_signature"),
        ({"Stripe-Signature": "garbage"}, "bad_signature"),
        ({"Authorization": "Bearer stripe-1-token"}, "bad_signature"),
        (Signed(secret="whsec_wrong").headers, "bad_signature"),
        (Signed(body=BODY + " ").headers, "bad_signature"),
        (Signed(at=NOW_S - 301).headers, "stale"),
        (Signed(at=NOW_S + 301).headers, "stale"),
    ],
)
async def test_what_stripe_did_not_sign_gets_the_same_400(
    receiver: Running, headers: dict[str, str], result: str
) -> None:
    reply, nothing = await post(receiver, headers), await post(receiver, {})
    assert reply.status == 400
    assert reply.body == nothing.body
    assert "signing secret" in reply.json["remedy"]
    assert receiver.metrics.requests[0] == ("stripe-1", result)
    assert receiver.publisher.records == []


async def test_what_is_signed_is_kept_even_if_nobody_can_read_it(receiver: Running) -> None:
    assert (await post(receiver, Signed(body="not json").headers, "not json")).status == 200
    assert receiver.publisher.records[0][2] == b"not json"


@pytest.mark.parametrize("source", ["nobody", "shop-1"])
async def test_a_source_without_this_door_is_a_404(receiver: Running, source: str) -> None:
    reply = await post(receiver, Signed().headers, path=f"/v1/sources/{source}")
    assert reply.status == 404
    assert "/v1/events" in reply.json["remedy"]
    assert receiver.last == ("unknown", "not_found")


async def test_while_kafka_is_away_stripe_must_come_again(receiver: Running) -> None:
    receiver.publisher.away = True
    reply = await post(receiver, Signed().headers)
    assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
    assert receiver.last == ("stripe-1", "unavailable")


async def test_a_large_body_is_a_413(receiver: Running) -> None:
    body = "x" * 300_001
    assert (await post(receiver, Signed(body=body).headers, body)).status == 413
    assert receiver.last == ("stripe-1", "too_large")
