"""Webhook bodies as Stripe's API reference shows them, and what our normaliser makes of them."""

import json
from typing import Any

from stripe import Webhook, WebhookSignature

from connectors.base import Events, Normalised, Secret, SourceConfig
from connectors.stripe.normalise import normalise
from schemas.commands import CommandRecord, Evidence, RefusedEvent
from schemas.events import decode_event
from schemas.raw import RawRecord
from tests.support.rules import translated
from tests.unit.receiver.support import NOW

AT = 1_795_512_600  # 2026-11-24T09:30:00Z
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
LIVE = SourceConfig(
    name="stripe-1",
    connector="stripe",
    secrets=(Secret("whsec_one"),),
    order_source="shop-1",
    order_metadata_keys=("order_id",),
    order_reference_fields=("client_reference_id", "shipping.tracking_number"),
    gateway="stripe",
)


def charge(**more: Any) -> dict[str, Any]:
    """A card payment of an intent that was captured at once."""
    return {
        "id": "ch_3PAY",
        "object": "charge",
        "amount": 2400,
        "amount_captured": 2400,
        "amount_refunded": 0,
        "balance_transaction": "txn_3PAY",
        "billing_details": {"address": {"country": "GB"}, "email": "ada@example.com", "name": "Ada Lovelace"},
        "captured": True,
        "created": AT - 1,
        "currency": "gbp",
        "livemode": True,
        "metadata": {"order_id": "1001"},
        "outcome": {"network_status": "approved_by_network", "risk_level": "normal", "type": "authorized"},
        "paid": True,
        "payment_intent": "pi_3PAY",
        "payment_method_details": {"card": {"brand": "visa", "last4": "4242"}, "type": "card"},
        "receipt_url": "https://pay.stripe.com/receipts/payment/x",
        "refunded": False,
        "status": "succeeded",
        **more,
    }


def intent(**more: Any) -> dict[str, Any]:
    """The intent of the same payment. Stripe copies its metadata to the charge."""
    return {
        "id": "pi_3PAY",
        "object": "payment_intent",
        "amount": 2400,
        "amount_capturable": 0,
        "amount_received": 2400,
        "capture_method": "automatic_async",
        "confirmation_method": "automatic",
        "created": AT - 60,
        "currency": "gbp",
        "last_payment_error": None,
        "latest_charge": "ch_3PAY",
        "livemode": True,
        "metadata": {"order_id": "1001"},
        "payment_method_types": ["card"],
        "status": "succeeded",
        **more,
    }


def refund(**more: Any) -> dict[str, Any]:
    """Half of it goes back."""
    return {
        "id": "re_3PAY",
        "object": "refund",
        "amount": 1200,
        "balance_transaction": "txn_4PAY",
        "charge": "ch_3PAY",
        "created": AT + 3600,
        "currency": "gbp",
        "destination_details": {"card": {"reference_status": "pending", "type": "refund"}, "type": "card"},
        "metadata": {},
        "payment_intent": "pi_3PAY",
        "reason": "requested_by_customer",
        "receipt_number": None,
        "status": "succeeded",
        **more,
    }


def event(type_: str, thing: dict[str, Any], before: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """The delivery of one object."""
    return {
        "id": f"evt_{type_}",
        "object": "event",
        "api_version": "2025-09-30.clover",
        "created": AT,
        "data": {"object": thing, **({} if before is None else {"previous_attributes": before})},
        "livemode": True,
        "pending_webhooks": 1,
        "request": {"id": "req_1", "idempotency_key": "k"},
        "type": type_,
        **more,
    }


def delivered(document: Any, config: SourceConfig = LIVE) -> Normalised:
    """What we make of a body that Stripe's own library signed and, where it is an event, takes as one."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    signature = WebhookSignature.generate_signature_header(body.decode(), "whsec_one")
    if isinstance(document, dict) and "object" in document:
        assert Webhook.construct_event(body, signature, "whsec_one").type == document["type"]
    raw = RawRecord(source=config.name, connector="stripe", body=body, received_at=NOW, traceparent=TRACE)
    return normalise(raw, config)


def facts(document: Any, config: SourceConfig = LIVE) -> list[Any]:
    """The data of the events of a delivery."""
    found = delivered(document, config)
    assert isinstance(found, Events), found
    return [decode_event(envelope)[1] for envelope in found.envelopes]


def letter(document: Any, config: SourceConfig = LIVE) -> Evidence:
    """Why a delivery is a dead letter."""
    found = delivered(document, config)
    assert isinstance(found, RefusedEvent), found
    assert (found.cause, found.stage) == ("data", "normalise")
    assert found.evidence.remedy
    return found.evidence


def booked(document: Any, config: SourceConfig = LIVE) -> list[CommandRecord]:
    """The command records of the events of a delivery, by the repository's tenant files."""
    found = delivered(document, config)
    assert isinstance(found, Events), found
    return [translated(one, topic="events.payments", offset=offset) for offset, one in enumerate(found.envelopes)]
