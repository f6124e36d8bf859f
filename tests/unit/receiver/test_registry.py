"""The connectors of the registry, from a signed request to events."""

import dataclasses
import json
from typing import get_args

from stripe import WebhookSignature

from connectors.base import ConnectorKind, Events
from connectors.registry import CONNECTORS
from schemas.codec import to_json
from schemas.events import PaymentReceived, decode_event
from schemas.raw import from_kafka
from tests.unit.receiver.support import NOW_S, STRIPE, running

INTENT = {
    "id": "evt_1",
    "object": "event",
    "type": "payment_intent.succeeded",
    "created": NOW_S,
    "livemode": True,
    "data": {
        "object": {
            "id": "pi_1",
            "object": "payment_intent",
            "amount_received": 1250,
            "currency": "gbp",
            "created": NOW_S,
            "metadata": {"order_id": "1001"},
        }
    },
}


def test_every_kind_with_a_door_of_its_own_is_there() -> None:
    assert set(CONNECTORS) == set(get_args(ConnectorKind)) - {"cloudevents", "outbox"}
    assert all(connector.kind == kind for kind, connector in CONNECTORS.items())


async def test_what_stripe_signs_becomes_a_payment() -> None:
    body = json.dumps(INTENT)
    headers = {"Stripe-Signature": WebhookSignature.generate_signature_header(body, "whsec_one", NOW_S)}
    async with running(connectors=CONNECTORS) as receiver:
        reply = await receiver.call("POST", "/v1/sources/stripe-1", data=body.encode(), headers=headers)
        assert reply.status == 200
        [(_, _, value, kafka_headers)] = receiver.publisher.records
    config = dataclasses.replace(STRIPE, gateway="stripe", order_source="shop-1", order_metadata_keys=("order_id",))
    record = from_kafka(kafka_headers.items(), value)
    normalised = CONNECTORS["stripe"].normalise(record, config)
    assert isinstance(normalised, Events)
    [event] = normalised.envelopes
    assert (event.source, event.id, event.traceparent) == ("stripe-1", "evt_1", record.traceparent)
    _, payment = decode_event(event)
    assert isinstance(payment, PaymentReceived)
    assert (payment.payment_id, payment.amount, payment.currency) == ("pi_1", "12.50", "GBP")
    assert json.loads(to_json(payment.order)) == {"id": "1001", "source": "shop-1", "kind": "order"}
