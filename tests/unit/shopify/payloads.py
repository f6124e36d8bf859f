"""Webhook bodies as Shopify's REST reference and page of topics show them, and what our normaliser makes of them."""

import json
from collections.abc import Mapping
from typing import Any

from connectors.base import Events, Normalised, Secret, SourceConfig
from connectors.shopify.normalise import normalise
from schemas.commands import Evidence, Ignored, RefusedEvent
from schemas.envelope import Envelope
from schemas.events import decode_event
from schemas.raw import RawRecord
from tests.unit.receiver.support import NOW

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
LIVE = SourceConfig(name="shop-1", connector="shopify", secrets=(Secret("hush"),), gateway="shop-1")
PLACED = "2026-11-24T04:30:00-05:00"


def money(amount: str, currency: str = "GBP") -> dict[str, Any]:
    """A price set."""
    one = {"amount": amount, "currency_code": currency}
    return {"shop_money": one, "presentment_money": one}


def tax(price: str, rate: float = 0.2) -> dict[str, Any]:
    return {"title": "VAT", "price": price, "rate": rate, "price_set": money(price), "channel_liable": False}


def line(**more: Any) -> dict[str, Any]:
    """Two mugs at 12.00, of which a discount takes 4.00; the tax is included."""
    return {
        "id": 466157049,
        "admin_graphql_api_id": "gid://shopify/LineItem/466157049",
        "current_quantity": 2,
        "discount_allocations": [
            {"amount": "4.00", "amount_set": money("4.00"), "discount_application_index": 0},
        ],
        "duties": [],
        "fulfillable_quantity": 2,
        "fulfillment_status": None,
        "gift_card": False,
        "grams": 200,
        "name": "Mug - Blue",
        "price": "12.00",
        "price_set": money("12.00"),
        "product_exists": True,
        "product_id": 632910392,
        "properties": [],
        "quantity": 2,
        "requires_shipping": True,
        "sku": "MUG-BLUE",
        "tax_lines": [tax("3.33")],
        "taxable": True,
        "title": "Mug",
        "total_discount": "0.00",
        "variant_id": 39072856,
        "variant_title": "Blue",
        "vendor": "Potter",
        **more,
    }


def shipping_line(**more: Any) -> dict[str, Any]:
    return {
        "id": 369256396,
        "code": "Standard",
        "discounted_price": "5.00",
        "discount_allocations": [],
        "is_removed": False,
        "price": "5.00",
        "price_set": money("5.00"),
        "source": "shopify",
        "tax_lines": [tax("0.83")],
        "title": "Standard",
        **more,
    }


def address(**more: Any) -> dict[str, Any]:
    return {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "name": "Ada Lovelace",
        "company": None,
        "address1": "12 St James's Square",
        "address2": "",
        "city": "London",
        "province": "England",
        "province_code": "ENG",
        "zip": "SW1Y 4JH",
        "country": "United Kingdom",
        "country_code": "GB",
        "phone": "+44 20 7946 0000",
        "latitude": 51.5,
        "longitude": -0.13,
        **more,
    }


def customer(**more: Any) -> dict[str, Any]:
    """The body of customers/update, and the customer of an order."""
    return {
        "id": 207119551,
        "admin_graphql_api_id": "gid://shopify/Customer/207119551",
        "addresses": [address()],
        "created_at": "2026-11-01T08:00:00-05:00",
        "default_address": address(id=207119551, customer_id=207119551, default=True),
        "email": "ada@example.com",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "multipass_identifier": None,
        "note": None,
        "phone": None,
        "state": "enabled",
        "tags": "",
        "tax_exempt": False,
        "updated_at": "2026-11-24T04:29:00-05:00",
        "verified_email": True,
        **more,
    }


def order(**more: Any) -> dict[str, Any]:
    """The body of orders/create: 24.00 less 4.00, and 5.00 for shipping; tax included."""
    return {
        "id": 450789469,
        "admin_graphql_api_id": "gid://shopify/Order/450789469",
        "app_id": 1966818,
        "billing_address": address(),
        "browser_ip": "203.0.113.7",
        "cancel_reason": None,
        "cancelled_at": None,
        "client_details": {"accept_language": None, "user_agent": None},
        "closed_at": None,
        "confirmed": True,
        "created_at": PLACED,
        "currency": "GBP",
        "current_total_price": "25.00",
        "current_total_tax": "4.16",
        "customer": customer(),
        "discount_applications": [
            {"type": "discount_code", "code": "FOUR", "value": "4.0", "value_type": "fixed_amount"},
        ],
        "email": "ada@example.com",
        "financial_status": "pending",
        "fulfillment_status": None,
        "line_items": [line()],
        "name": "#1001",
        "note": None,
        "number": 1,
        "order_number": 1001,
        "order_status_url": "https://example.com/690933842/orders/b1946ac9/authenticate",
        "payment_gateway_names": ["shopify_payments"],
        "phone": None,
        "po_number": "PO-88",
        "presentment_currency": "GBP",
        "processed_at": PLACED,
        "refunds": [],
        "shipping_address": address(),
        "shipping_lines": [shipping_line()],
        "source_name": "web",
        "subtotal_price": "20.00",
        "taxes_included": True,
        "test": False,
        "total_discounts": "4.00",
        "total_line_items_price": "24.00",
        "total_outstanding": "25.00",
        "total_price": "25.00",
        "total_tax": "4.16",
        "total_tip_received": "0.00",
        "updated_at": "2026-11-24T04:30:01-05:00",
        **more,
    }


def transaction(**more: Any) -> dict[str, Any]:
    """The body of order_transactions/create: the order's money was captured."""
    return {
        "id": 389404469,
        "admin_graphql_api_id": "gid://shopify/OrderTransaction/389404469",
        "amount": "25.00",
        "authorization": "pi_3PAY",
        "created_at": "2026-11-24T04:31:00-05:00",
        "currency": "GBP",
        "device_id": None,
        "error_code": None,
        "gateway": "shopify_payments",
        "kind": "sale",
        "location_id": None,
        "manual_payment_gateway": False,
        "message": "Transaction approved",
        "order_id": 450789469,
        "parent_id": None,
        "payment_id": "c901414060.1",
        "processed_at": "2026-11-24T04:31:02-05:00",
        "receipt": {},
        "source_name": "web",
        "status": "success",
        "test": False,
        "total_unsettled_set": {
            "presentment_money": {"amount": "0.0", "currency": "GBP"},
            "shop_money": {"amount": "0.0", "currency": "GBP"},
        },
        "user_id": None,
        **more,
    }


def giving(**more: Any) -> dict[str, Any]:
    """The transaction of a refund."""
    return transaction(
        **{"id": 179259969, "kind": "refund", "amount": "10.00", "parent_id": 389404469, "payment_id": None, **more}
    )


def refund_line(**more: Any) -> dict[str, Any]:
    """One of the two mugs, with its half of the discount."""
    return {
        "id": 104689539,
        "line_item": line(),
        "line_item_id": 466157049,
        "location_id": 487838322,
        "quantity": 1,
        "restock_type": "return",
        "subtotal": 10.00,
        "subtotal_set": money("10.00"),
        "total_tax": 1.67,
        "total_tax_set": money("1.67"),
        **more,
    }


def refund(**more: Any) -> dict[str, Any]:
    """The body of refunds/create."""
    return {
        "id": 509562969,
        "admin_graphql_api_id": "gid://shopify/Refund/509562969",
        "created_at": "2026-11-25T09:00:00-05:00",
        "duties": [],
        "note": "it broke",
        "order_adjustments": [],
        "order_id": 450789469,
        "processed_at": "2026-11-25T09:00:00-05:00",
        "refund_line_items": [refund_line()],
        "refund_shipping_lines": [],
        "restock": True,
        "return": None,
        "transactions": [giving()],
        "user_id": 548380009,
        **more,
    }


def dispute(**more: Any) -> dict[str, Any]:
    """The body of disputes/create."""
    return {
        "id": 285332461850802050,
        "order_id": 450789469,
        "type": "chargeback",
        "amount": "25.00",
        "currency": "GBP",
        "reason": "fraudulent",
        "network_reason_code": "4837",
        "status": "needs_response",
        "evidence_due_by": "2026-12-10T19:00:00-05:00",
        "evidence_sent_on": None,
        "finalized_on": None,
        "initiated_at": "2026-11-26T19:00:00-05:00",
        **more,
    }


def headers(topic: str, event_id: str = "evt-1") -> dict[str, str]:
    """Those of a delivery that are kept."""
    return {
        "x-shopify-topic": topic,
        "x-shopify-event-id": event_id,
        "x-shopify-webhook-id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
        "x-shopify-triggered-at": "2026-11-24T09:30:01.123456789Z",
    }


def raw(document: Any, kept: Mapping[str, str], swept: str | None = None) -> RawRecord:
    """What the receiver, or a sweep, puts into the topic raw."""
    return RawRecord(
        source="shop-1",
        connector="shopify",
        body=document if isinstance(document, bytes) else json.dumps(document).encode(),
        received_at=NOW,
        traceparent=TRACE,
        headers=kept,
        swept=swept,
    )


def delivered(topic: str, document: Any, config: SourceConfig = LIVE) -> Normalised:
    """What we make of one delivery."""
    return normalise(raw(document, headers(topic)), config)


def events(topic: str, document: Any, config: SourceConfig = LIVE) -> tuple[Envelope, ...]:
    """The events of a delivery."""
    found = delivered(topic, document, config)
    assert isinstance(found, Events), found
    return found.envelopes


def facts(topic: str, document: Any, config: SourceConfig = LIVE) -> list[Any]:
    """The data of the events of a delivery."""
    return [decode_event(envelope)[1] for envelope in events(topic, document, config)]


def reason(topic: str, document: Any, config: SourceConfig = LIVE) -> str:
    """Why a delivery is ignored."""
    found = delivered(topic, document, config)
    assert isinstance(found, Ignored), found
    return found.reason


def letter(topic: str, document: Any) -> Evidence:
    """Why a delivery is a dead letter."""
    found = delivered(topic, document)
    assert isinstance(found, RefusedEvent), found
    assert (found.cause, found.stage) == ("data", "normalise")
    assert found.evidence.remedy
    return found.evidence
