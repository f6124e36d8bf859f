"""Shopify's payments, refunds, disputes and customers: one fact once, whoever tells it."""

import dataclasses
import datetime as dt
import json
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.base import Events
from connectors.shopify.normalise import named, normalise
from schemas.commands import Ignored, RefusedEvent
from schemas.events import ContactUpdated, DisputeClosed, DisputeOpened, PaymentReceived, RefundIssued
from schemas.events.fields import Address, Customer, Line, OrderRef
from tests.conformance.bodies import fits, mangled
from tests.unit.shopify.payloads import (
    LIVE,
    address,
    customer,
    delivered,
    dispute,
    events,
    facts,
    giving,
    headers,
    letter,
    line,
    money,
    order,
    raw,
    reason,
    refund,
    refund_line,
    shipping_line,
    transaction,
)

ORDER = OrderRef(id="450789469", source="shop-1")
PAYMENT = PaymentReceived(
    payment_id="389404469",
    gateway="shopify_payments",
    amount="25.00",
    currency="GBP",
    received_at=dt.datetime(2026, 11, 24, 9, 31, 2, tzinfo=dt.UTC),
    order=ORDER,
    reference="c901414060.1",
)
MUG = Line(
    id="466157049",
    description="Mug - Blue",
    unit_amount="12.00",
    quantity="1",
    discount_amount="2.00",
    tax_rate="20",
    tax_amount="1.67",
    sku="MUG-BLUE",
)
REFUND = RefundIssued(
    refund_id="509562969",
    gateway="shopify_payments",
    amount="10.00",
    currency="GBP",
    refunded_at=dt.datetime(2026, 11, 25, 14, 0, tzinfo=dt.UTC),
    order=ORDER,
    payment_id="389404469",
    lines=(MUG,),
    taxes_included=True,
    reason="it broke",
)
OPENED = DisputeOpened(
    dispute_id="285332461850802050",
    payment_id="order:450789469",
    gateway="shopify_payments",
    amount="25.00",
    currency="GBP",
    opened_at=dt.datetime(2026, 11, 27, 0, 0, tzinfo=dt.UTC),
)
TRANSACTIONS, REFUNDS = "order_transactions/create", "refunds/create"
ABROAD = {
    "currency": "EUR",
    "total_unsettled_set": {
        "presentment_money": {"amount": "0.0", "currency": "EUR"},
        "shop_money": {"amount": "0.0", "currency": "GBP"},
    },
}


@pytest.mark.parametrize("kind", ["sale", "capture", "SALE"])
def test_a_sale_and_a_capture_are_payments(kind: str) -> None:
    assert facts(TRANSACTIONS, transaction(kind=kind)) == [PAYMENT]


def test_the_envelope_of_a_payment_has_its_own_time() -> None:
    """Not that of whoever told it: without a sequence the time is the version."""
    [envelope] = events(TRANSACTIONS, transaction())
    assert (envelope.id, envelope.subject) == (f"evt-1:{TRANSACTIONS}", "payment:389404469")
    assert (envelope.time, envelope.sequence) == ("2026-11-24T09:31:02+00:00", None)


def test_a_payment_is_one_fact_whichever_body_has_it() -> None:
    [alone] = events(TRANSACTIONS, transaction())
    [_, within] = events("orders/paid", order(transactions=[transaction()]))
    assert within.id == "evt-1:orders/paid:payment:389404469"
    assert (within.subject, within.time, within.data) == (alone.subject, alone.time, alone.data)


def test_a_payment_without_an_id_of_its_gateway_and_without_a_time_of_its_own() -> None:
    [plain] = facts(TRANSACTIONS, transaction(payment_id=None, processed_at=None))
    assert plain == replace(PAYMENT, reference="389404469", received_at=PAYMENT.received_at.replace(second=0))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"kind": "authorization"}, "a transaction of kind authorization brings no money"),
        ({"kind": "void"}, "a transaction of kind void brings no money"),
        ({"kind": "change"}, "a transaction of kind change brings no money"),
        ({"kind": "refund"}, "a refund's transaction: refunds/create tells it with what it is for"),
        ({"status": "pending"}, "the payment is pending: no money moved; once it does, a sweep tells it"),
        ({"status": "failure"}, "the payment is failure: no money moved; once it does, a sweep tells it"),
        ({"status": "new word"}, "the payment is new word: no money moved; once it does, a sweep tells it"),
        ({"amount": "0.00"}, "the payment is of nothing"),
        (ABROAD, "the payment is told in the customer's currency: a sweep tells it in the shop's"),
        ({"test": True}, "Shopify's test orders do not reach live books"),
    ],
)
def test_what_is_no_payment(changed: dict[str, Any], why: str) -> None:
    assert reason(TRANSACTIONS, transaction(**changed)) == why
    assert len(facts("orders/paid", order(transactions=[transaction(**changed)]))) == 1, "the order itself is told"


def test_a_test_source_takes_what_is_only_tried() -> None:
    trying = dataclasses.replace(LIVE, live=False)
    assert facts(TRANSACTIONS, transaction(test=True), trying) == [PAYMENT]
    assert facts(REFUNDS, refund(transactions=[giving(test=True)]), trying) == [REFUND]
    assert reason(REFUNDS, refund(transactions=[giving(test=True)])) == "Shopify's test orders do not reach live books"


def test_a_refund_has_its_lines() -> None:
    assert facts(REFUNDS, refund()) == [REFUND]


def test_a_refund_is_one_fact_whichever_body_has_it() -> None:
    [alone] = events(REFUNDS, refund())
    [_, within] = events("orders/updated", order(refunds=[refund()]))
    assert within.id == "evt-1:orders/updated:refund:509562969"
    assert (within.subject, within.time, within.data) == (alone.subject, alone.time, alone.data)


def test_a_refund_of_prices_without_tax() -> None:
    exclusive = refund_line(subtotal_set=money("10.00"), total_tax_set=money("2.00"))
    [found] = facts(REFUNDS, refund(refund_line_items=[exclusive], transactions=[giving(amount="12.00")]))
    assert (found.amount, found.taxes_included, found.lines[0].tax_amount) == ("12.00", False, "2.00")


def test_shipping_that_is_given_back() -> None:
    way = {"shipping_line": shipping_line(), "subtotal_amount_set": money("5.00"), "tax_amount_set": money("0.83")}
    [found] = facts(REFUNDS, refund(refund_shipping_lines=[way], transactions=[giving(amount="15.00")]))
    assert [(one.kind, one.unit_amount, one.tax_rate, one.tax_amount) for one in found.lines] == [
        ("goods", "12.00", "20", "1.67"),
        ("shipping", "5.00", "20", "0.83"),
    ]


def test_a_gift_card_that_is_given_back_is_no_longer_owed() -> None:
    card = refund_line(line_item=line(gift_card=True, tax_lines=[]), total_tax_set=money("0.00"))
    [found] = facts(REFUNDS, refund(refund_line_items=[card]))
    assert [(one.kind, one.tax_rate, one.tax_amount) for one in found.lines] == [("gift_card", None, None)]


def test_a_tip_that_is_given_back_is_known_by_its_mark() -> None:
    tip = line(price="3.00", quantity=1, product_id=None, tax_lines=[], tip_payment_gateway="shopify_payments")
    part = refund_line(line_item=tip, subtotal_set=money("3.00"), total_tax_set=money("0.00"))
    [found] = facts(REFUNDS, refund(refund_line_items=[part], transactions=[giving(amount="3.00")]))
    assert [(one.kind, one.unit_amount) for one in found.lines] == [("tip", "3.00")]


@pytest.mark.parametrize("amount", ["9.00", "11.00", "0.01"])
def test_more_or_less_than_the_lines_is_told_without_lines(amount: str) -> None:
    """An order adjustment: then the amount is spread over the invoice, and the sum is right."""
    adjusted = refund(
        transactions=[giving(amount=amount)],
        order_adjustments=[{"id": 1, "amount": "1.00", "kind": "refund_discrepancy", "tax_amount": "0.00"}],
    )
    [found] = facts(REFUNDS, adjusted)
    assert (found.amount, found.lines) == (amount, ())


@pytest.mark.parametrize(
    ("net", "tax", "amount"),
    [("46.00", "9.20", "46.00"), ("46.00", "7.67", "53.67")],
    ids=["the net of a price without tax", "more than a price with tax"],
)
def test_an_amount_that_is_a_sum_of_the_lines_by_chance_is_told_without_lines(net: str, tax: str, amount: str) -> None:
    """Their tax would be another than the one they have, and so the books would not take them."""
    pot = refund_line(
        line_item=line(price="46.00", discount_allocations=[]),
        subtotal_set=money(net),
        total_tax_set=money(tax),
    )
    [found] = facts(REFUNDS, refund(refund_line_items=[pot], transactions=[giving(amount=amount)]))
    assert (found.amount, found.lines, found.taxes_included) == (amount, (), True)


def test_money_alone_may_go_back() -> None:
    [found] = facts(REFUNDS, refund(refund_line_items=[], note=None))
    assert (found.amount, found.lines, found.reason) == ("10.00", (), None)


def test_a_refund_to_two_gateways_is_one_for_each() -> None:
    halves = [giving(amount="4.00"), giving(id=2, gateway="gift_card", amount="6.00", parent_id=7)]
    found = events(REFUNDS, refund(transactions=halves))
    assert [one.id for one in found] == [f"evt-1:{REFUNDS}", f"evt-1:{REFUNDS}:refund:509562969-2"]
    assert [
        (one.refund_id, one.gateway, one.amount, one.payment_id, one.lines)
        for one in facts(REFUNDS, refund(transactions=halves))
    ] == [
        ("509562969-179259969", "shopify_payments", "4.00", "389404469", ()),
        ("509562969-2", "gift_card", "6.00", "7", ()),
    ]


def test_a_refund_of_two_payments_of_one_gateway_is_one() -> None:
    [found] = facts(REFUNDS, refund(transactions=[giving(amount="4.00"), giving(id=2, amount="6.00")]))
    assert (found.refund_id, found.amount, found.payment_id, found.lines) == ("509562969", "10.00", None, (MUG,))


NONE = "the refund gave no money back: what it took off an unpaid order, the order itself tells"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([], NONE),
        ([giving(kind="void")], NONE),
        ([giving(status="failure")], NONE),
        ([giving(status="error")], NONE),
        ([giving(status="pending")], "the refund is not through: orders/updated or a sweep tells it when it is"),
        ([giving(), giving(status="?")], "the refund is not through: orders/updated or a sweep tells it when it is"),
        ([giving(amount="0.00")], "the refund gave no money back: it is of nothing"),
        ([giving(**ABROAD)], "the refund is told in the customer's currency: a sweep tells it in the shop's"),
    ],
)
def test_what_gave_no_money_back(given: list[Any], why: str) -> None:
    assert reason(REFUNDS, refund(transactions=given)) == why


@pytest.mark.parametrize("given", [ABROAD, {"currency": "EUR", "total_unsettled_set": None}])
def test_money_of_another_currency_than_the_orders_is_left_to_the_sweep(given: dict[str, Any]) -> None:
    """Not every body says by its unsettled rest what the shop's currency is; the order always does."""
    paid, back = transaction(**given), refund(transactions=[giving(**given)])
    assert len(facts("orders/updated", order(transactions=[paid], refunds=[back]))) == 1, "the order itself is told"


def test_a_chargeback_is_opened_and_decided() -> None:
    assert facts("disputes/create", dispute()) == [OPENED]
    decided = dispute(status="won", finalized_on="2026-12-20T03:04:05-05:00")
    closed = DisputeClosed(
        dispute_id=OPENED.dispute_id,
        payment_id=OPENED.payment_id,
        gateway="shopify_payments",
        outcome="won",
        closed_at=dt.datetime(2026, 12, 20, tzinfo=dt.UTC),
    )
    assert facts("disputes/update", decided) == [OPENED, closed]
    assert [one.id for one in events("disputes/update", decided)] == [
        "evt-1:disputes/update",
        "evt-1:disputes/update:closed",
    ]


@pytest.mark.parametrize(
    ("status", "outcome"), [("lost", "lost"), ("accepted", "lost"), ("charge_refunded", "withdrawn"), ("WON", "won")]
)
def test_how_a_dispute_ends(status: str, outcome: str) -> None:
    [_, closed] = facts("disputes/update", dispute(status=status))
    assert (closed.outcome, closed.closed_at) == (outcome, OPENED.opened_at)


def test_an_inquiry_takes_no_money() -> None:
    assert reason("disputes/create", dispute(type="inquiry")) == "a dispute of type inquiry takes no money back"


def test_a_dispute_without_an_order_stands_for_itself() -> None:
    [found] = facts("disputes/create", dispute(order_id=None))
    assert found.payment_id == "dispute:285332461850802050"


@pytest.mark.parametrize("topic", ["customers/create", "customers/update"])
def test_a_customer_is_a_contact(topic: str) -> None:
    home = Address(line1="12 St James's Square", city="London", region="England", postal_code="SW1Y 4JH", country="GB")
    assert facts(topic, customer()) == [
        ContactUpdated(
            contact_id="207119551",
            contact=Customer(
                name="Ada Lovelace", id="207119551", email="ada@example.com", phone="+44 20 7946 0000", address=home
            ),
            updated_at=dt.datetime(2026, 11, 24, 9, 29, tzinfo=dt.UTC),
            first_name="Ada",
            last_name="Lovelace",
            country="GB",
        )
    ]
    [envelope] = events(topic, customer())
    assert (envelope.subject, envelope.sequence) == ("customer:207119551", "1795512540000")


def test_a_customer_of_whom_little_is_known() -> None:
    [found] = facts("customers/update", customer(first_name=None, last_name=None, default_address=None, phone="1"))
    assert (found.contact.name, found.contact.phone, found.country) == ("ada@example.com", "1", None)
    [home] = facts("customers/update", customer(first_name=None, last_name=None, email=None, default_address=address()))
    assert home.contact.name == "Ada Lovelace"


@pytest.mark.parametrize("topic", ["app/uninstalled", "products/update", "a/topic of the future"])
def test_what_is_not_booked_is_ignored(topic: str) -> None:
    assert reason(topic, {"id": 1}) == f"{topic} tells nothing that is booked"


def test_an_edit_only_names_its_order() -> None:
    assert reason("orders/edited", {"order_edit": {"order_id": 1}}) == (
        "only names an order that was edited: orders/updated tells the order itself"
    )


@pytest.mark.parametrize(
    ("kept", "field", "expected"),
    [
        ({}, "x-shopify-webhook-id", "a delivery with its event's id and its topic"),
        ({"x-shopify-topic": "orders/paid"}, "x-shopify-webhook-id", "a delivery with its event's id and its topic"),
        ({"x-shopify-event-id": "e"}, "x-shopify-event-id", "a delivery with its event's id and its topic"),
        ({"x-shopify-event-id": "", "x-shopify-topic": "orders/paid"}, "x-shopify-event-id", "a delivery with"),
        ({"x-shopify-event-id": "e" * 250, "x-shopify-topic": "orders/paid"}, "x-shopify-event-id", "1 to 255"),
        ({"x-shopify-event-id": "e\x01", "x-shopify-topic": "orders/paid"}, "x-shopify-event-id", "no control"),
    ],
)
def test_a_delivery_needs_its_headers(kept: dict[str, str], field: str, expected: str) -> None:
    found = normalise(raw(order(), kept), LIVE)
    assert isinstance(found, RefusedEvent)
    assert found.evidence.field == field
    assert f"expected {expected}" in (found.evidence.message or "")


def test_what_is_older_has_the_id_of_the_webhook_alone() -> None:
    kept = {"x-shopify-webhook-id": "w-1", "x-shopify-topic": "orders/paid"}
    found = normalise(raw(order(), kept), LIVE)
    assert isinstance(found, Events)
    assert found.envelopes[0].id == "w-1:orders/paid"


def test_the_name_of_a_delivery() -> None:
    assert named(raw(b"?", headers("orders/paid"))) == ("evt-1:orders/paid", "orders/paid")
    assert named(raw(b"?", {"x-shopify-topic": "orders/paid"})) == (None, "orders/paid")
    assert named(raw(b"?", {"x-shopify-topic": "\x00"})) == (None, None)
    assert named(raw(b"?", {})) == (None, None)
    assert named(raw(b"?", {}, swept="orders")) == (None, "orders")


@pytest.mark.parametrize(
    ("topic", "document", "field"),
    [
        (TRANSACTIONS, transaction(order_id=None), "order_id"),
        (TRANSACTIONS, transaction(gateway=""), "$.gateway"),
        (TRANSACTIONS, transaction(amount="-1.00"), "$.amount"),
        (REFUNDS, refund(order_id=None), "$.order_id"),
        (REFUNDS, refund(refund_line_items=[refund_line(subtotal_set=None)]), "$.refund_line_items[0].subtotal_set"),
        ("customers/update", customer(updated_at=None), "updated_at"),
        ("disputes/update", dispute(status="lost", finalized_on="soon"), "finalized_on"),
        ("disputes/update", dispute(amount="0.00"), "$.amount"),
        ("disputes/update", b"{", "$"),
    ],
)
def test_a_field_that_does_not_fit_is_a_letter(topic: str, document: Any, field: str) -> None:
    assert letter(topic, document).field == field


@pytest.mark.parametrize(
    ("topic", "document"),
    [
        ("orders/updated", order(refunds=[refund()], transactions=[transaction()])),
        (TRANSACTIONS, transaction()),
        (REFUNDS, refund()),
        ("customers/update", customer()),
        ("disputes/update", dispute(status="lost", finalized_on="2026-12-20")),
    ],
)
def test_whatever_shopify_changes_is_an_event_a_reason_or_a_letter(topic: str, document: dict[str, Any]) -> None:
    """Each field away, or of another kind: never an exception, and never an event that does not fit its type."""
    for odd in mangled(document):
        found = delivered(topic, json.dumps(odd).encode())
        assert isinstance(found, Events | Ignored | RefusedEvent)
        if isinstance(found, Events):
            for event in found.envelopes:
                fits(event)
