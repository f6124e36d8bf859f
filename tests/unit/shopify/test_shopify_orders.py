"""Shopify's orders become the sale as it was made, in the shop's currency, to the penny."""

import dataclasses
import datetime as dt
from typing import Any

import pytest

from schemas.commands import Commands, UpsertInvoice
from schemas.events import OrderCancelled, OrderPlaced, OrderUpdated, PaymentReceived
from schemas.events.fields import Address, Customer, Line
from tests.support.rules import translated
from tests.unit.shopify.payloads import (
    LIVE,
    TRACE,
    address,
    customer,
    events,
    facts,
    giving,
    letter,
    line,
    money,
    order,
    reason,
    refund,
    refund_line,
    shipping_line,
    tax,
    transaction,
)

MOMENT = dt.datetime(2026, 11, 24, 9, 30, tzinfo=dt.UTC)
HOME = Address(line1="12 St James's Square", city="London", region="England", postal_code="SW1Y 4JH", country="GB")
MUGS = Line(
    id="466157049",
    description="Mug - Blue",
    unit_amount="12.00",
    quantity="2",
    discount_amount="4.00",
    tax_rate="20",
    tax_amount="3.33",
    sku="MUG-BLUE",
)
POST = Line(
    id="shipping-369256396",
    description="Standard",
    unit_amount="5.00",
    tax_rate="20",
    tax_amount="0.83",
    kind="shipping",
)
WHOLE: dict[str, Any] = {
    "order_id": "450789469",
    "number": "1001",
    "currency": "GBP",
    "customer": Customer(
        name="Ada Lovelace", id="207119551", email="ada@example.com", phone="+44 20 7946 0000", address=HOME
    ),
    "lines": (MUGS, POST),
    "total": "25.00",
    "taxes_included": True,
    "total_tax": "4.16",
    "purchase_order": "PO-88",
    "shipping_address": HOME,
    "placed_at": MOMENT,
    "channel": "web",
}


def told(**more: Any) -> Any:
    """The order of an update."""
    return facts("orders/updated", order(**more))[0]


def restock(*lines: dict[str, Any]) -> dict[str, Any]:
    """A refund that gives no money back."""
    return refund(transactions=[], refund_line_items=list(lines))


def test_an_order_is_placed_with_its_discounts_shipping_and_tax() -> None:
    assert facts("orders/create", order()) == [OrderPlaced(**WHOLE)]


@pytest.mark.parametrize("topic", ["orders/updated", "orders/paid", "orders/cancelled"])
def test_an_update_tells_the_whole_order(topic: str) -> None:
    assert facts(topic, order()) == [OrderUpdated(**WHOLE)]


def test_the_envelope_of_an_order() -> None:
    [envelope] = events("orders/create", order())
    assert envelope.attributes() == {
        "specversion": "1.0",
        "id": "evt-1:orders/create",
        "source": "shop-1",
        "type": "com.ledgerstream.OrderPlaced.v1",
        "time": "2026-11-24T09:30:01+00:00",
        "subject": "order:450789469",
        "sequence": "1795512601000",
        "traceparent": TRACE,
    }


def test_the_invoice_comes_to_what_shopify_says() -> None:
    """By the repository's tenant files; else the order would be a dead letter with both figures."""
    states = (order(), order(refunds=[restock(refund_line())], **UNPAID))
    for state, total in zip(states, ("25.00", "15.00"), strict=True):
        [envelope] = events("orders/updated", state)
        record = translated(envelope)
        assert isinstance(record.outcome, Commands), record.outcome
        [invoice] = [one.payload for one in record.outcome.commands if isinstance(one.payload, UpsertInvoice)]
        assert (invoice.number, str(invoice.total)) == ("S1-1001", total)


def test_one_event_under_two_topics_is_two_deliveries_of_one_version() -> None:
    [created], [updated] = (events(topic, order()) for topic in ("orders/create", "orders/updated"))
    assert (created.id, updated.id) == ("evt-1:orders/create", "evt-1:orders/updated")
    assert (created.sequence, created.subject, created.data) == (updated.sequence, updated.subject, updated.data)


@pytest.mark.parametrize("topic", ["orders/create", "orders/updated", "orders/paid", "orders/cancelled"])
def test_an_order_is_cancelled_by_what_its_body_says(topic: str) -> None:
    gone = order(cancelled_at="2026-11-24T05:00:00-05:00", cancel_reason="customer")
    cancelled = MOMENT + dt.timedelta(minutes=30)
    assert facts(topic, gone) == [
        OrderCancelled(order_id="450789469", cancelled_at=cancelled, currency="GBP", reason="customer")
    ]


CALLED_OFF = {"cancelled_at": "2026-11-24T05:00:00-05:00", "cancel_reason": "CUSTOMER"}


@pytest.mark.parametrize(
    "state",
    [
        {"financial_status": "paid", "total_outstanding": "0.00"},
        {"financial_status": "REFUNDED", "total_outstanding": "0.00", "current_total_price": "0.00"}
        | {"refunds": [refund(refund_line_items=[], transactions=[giving(amount="25.00")])]},
        # Shopify takes everything off an order that is cancelled, and owes then what was paid.
        {"financial_status": "paid", "total_outstanding": "-25.00", "current_total_price": "0.00"}
        | {"refunds": [restock(refund_line(quantity=2, subtotal_set=money("20.00")))]},
        {"financial_status": None, "total_outstanding": "0.00"},
    ],
    ids=["paid", "and given back", "and owed", "without a word of its state"],
)
def test_what_was_paid_for_stays_sold_when_it_is_cancelled(state: dict[str, Any]) -> None:
    """The money came for a sale, and what goes back of it is a credit note."""
    assert facts("orders/cancelled", order(**CALLED_OFF, **state))[0] == OrderUpdated(**WHOLE)


def test_of_what_was_paid_in_part_the_sale_is_the_version_before_its_cancellation() -> None:
    state = {"financial_status": "partially_paid", "total_outstanding": "15.00"}
    sold, cancelled = events("orders/cancelled", order(**CALLED_OFF, **state))
    assert facts("orders/cancelled", order(**CALLED_OFF, **state)) == [
        OrderUpdated(**WHOLE),
        OrderCancelled(
            order_id="450789469",
            cancelled_at=MOMENT + dt.timedelta(minutes=30),
            currency="GBP",
            reason="customer",
            paid=True,
        ),
    ]
    assert (sold.sequence, cancelled.sequence) == ("1795512600999", "1795512601000")
    assert (sold.id, cancelled.id) == ("evt-1:orders/cancelled", "evt-1:orders/cancelled:cancelled")


@pytest.mark.parametrize(
    "state",
    [
        {"financial_status": "pending"},
        # What was only held was let go: nobody owes anything then.
        {"financial_status": "voided", "total_outstanding": "0.00"},
        {"financial_status": "VOIDED", "total_outstanding": "0.00", "current_total_price": "0.00"},
        {"financial_status": None},
    ],
)
def test_what_nobody_paid_is_cancelled(state: dict[str, Any]) -> None:
    [found] = facts("orders/updated", order(**CALLED_OFF, **state))
    assert isinstance(found, OrderCancelled)
    assert not found.paid


@pytest.mark.parametrize("topic", ["orders/create", "orders/updated"])
def test_test_orders_never_reach_live_books(topic: str) -> None:
    assert reason(topic, order(test=True)) == "Shopify's test orders do not reach live books"
    assert facts(topic, order(test=True), dataclasses.replace(LIVE, live=False))


def test_the_shops_currency_is_booked_whatever_the_customer_paid_in() -> None:
    abroad = {"presentment_currency": "EUR", "total_price_set": {"shop_money": {"amount": "25.00"}}}
    assert told(**abroad) == OrderUpdated(**WHOLE)


def test_the_odd_bits_of_shopifys_own_samples_are_taken_as_they_are() -> None:
    """Its page of topics shows a customer without times, whose address has no name, and totals that do not agree."""
    nameless = customer(created_at=None, updated_at=None, default_address=address(name="", first_name=None))
    plain = line(price="199.00", quantity=1, discount_allocations=[], tax_lines=[], duties=[], vendor=None)
    sample = order(
        customer=nameless,
        line_items=[plain, {**plain, "id": 141249953214522974}],
        shipping_lines=[shipping_line(code=None, price="10.00", tax_lines=[])],
        taxes_included=False,
        total_price="388.00",
        current_total_price="398.00",
        total_outstanding="398.00",
        total_tax="0.00",
        returns=[],
        payment_terms=None,
    )
    [found] = facts("orders/create", sample)
    assert (found.total, found.total_tax, found.customer.name) == ("388.00", "0.00", "Ada Lovelace")
    assert [one.unit_amount for one in found.lines] == ["199.00", "199.00", "10.00"]


def test_tax_on_top() -> None:
    found = told(taxes_included=False, total_price="29.16")
    assert (found.taxes_included, found.total, found.total_tax) == (False, "29.16", "4.16")


@pytest.mark.parametrize(
    ("lines", "rate", "amount"),
    [
        ([tax("1.00", 0.0625), tax("0.14", 0.00875)], "7.125", "1.14"),
        ([tax("0.00", 0)], "0", "0.00"),
        ([tax("0.00", 0.0)], "0", "0.00"),
        ([], None, None),
        ([{"price": "1.00"}], None, "1.00"),
    ],
)
def test_the_rate_of_a_line_is_that_of_all_its_taxes(lines: list[Any], rate: str | None, amount: str | None) -> None:
    found = told(line_items=[line(tax_lines=lines)]).lines[0]
    assert (found.tax_rate, found.tax_amount) == (rate, amount)


def test_gift_cards_are_owed_and_tips_are_tips() -> None:
    card = line(id=2, gift_card=True, price="50.00", quantity=1, discount_allocations=[], tax_lines=[], sku=None)
    tip = line(id=3, name="Tip", price="3.00", quantity=1, discount_allocations=[], tax_lines=[], product_id=None)
    custom = line(id=4, name="Engraving", price="3.50", quantity=1, product_id=None)
    found = told(line_items=[line(), card, custom, tip], total_tip_received="3.00").lines
    assert [one.kind for one in found] == ["goods", "gift_card", "goods", "tip", "shipping"]
    assert found[1].sku is None


def test_a_line_without_a_name_says_something() -> None:
    nameless = [line(name="", title="Mug"), line(name=None, title=" "), line(name=" ", title=None, sku="")]
    assert [one.description for one in told(line_items=nameless).lines[:3]] == ["Mug", "MUG-BLUE", "Line 466157049"]


def test_shipping_that_was_removed_is_not_sold_and_a_discount_of_it_is() -> None:
    half = shipping_line(id=None, title="Courier", discount_allocations=[{"amount": "2.50"}], tax_lines=[])
    found = told(shipping_lines=[shipping_line(is_removed=True), half]).lines[1:]
    assert [(one.id, one.unit_amount, one.discount_amount, one.tax_rate) for one in found] == [
        ("shipping-Courier", "5.00", "2.50", None)
    ]


def test_an_order_of_nothing_is_an_order() -> None:
    free = told(total_price="0.00", total_tax="0.00", total_outstanding="0.00", current_total_price="0.00")
    assert (free.total, free.total_tax) == ("0.00", "0.00")


UNPAID = {"current_total_price": "15.00", "total_outstanding": "15.00"}


def test_what_was_taken_off_before_anyone_paid_leaves_the_invoice() -> None:
    """An edit that removes a mug, or a restock: a refund without money. What is left has the rest of the discount."""
    [mug, _] = (found := told(refunds=[restock(refund_line())], **UNPAID)).lines
    assert (mug.quantity, mug.unit_amount, mug.discount_amount, mug.tax_amount) == ("1", "12.00", "2.00", "1.66")
    assert (found.total, found.total_tax) == ("15.00", "2.49")


def test_it_stays_away_once_the_rest_is_paid() -> None:
    paid = {"current_total_price": "15.00", "total_outstanding": "0.00"}
    assert told(refunds=[restock(refund_line())], **paid).total == "15.00"


def test_tax_on_top_leaves_with_what_it_was_for() -> None:
    found = told(
        taxes_included=False,
        total_price="29.16",
        current_total_price="17.49",
        total_outstanding="17.49",
        refunds=[restock(refund_line())],
    )
    assert (found.total, found.total_tax) == ("17.49", "2.49")


@pytest.mark.parametrize(
    "state",
    [
        {"refunds": [restock(refund_line())], "current_total_price": "15.00", "total_outstanding": "-10.00"},
        {
            "refunds": [restock(refund_line()), refund(id=2, refund_line_items=[])],
            "current_total_price": "15.00",
            "total_outstanding": "0.00",
        },
        {"refunds": [refund()], "current_total_price": "15.00", "total_outstanding": "0.00"},
    ],
    ids=["the shop owes it", "it went back later", "an ordinary refund"],
)
def test_what_was_paid_for_stays_in_the_invoice(state: dict[str, Any]) -> None:
    """The money comes, or came, back by a refund, which is a credit note: to leave the line out too would be twice."""
    assert told(**state) == OrderUpdated(**WHOLE)


def test_an_order_whose_payment_is_not_known_in_the_shops_money_is_left_to_the_sweep() -> None:
    abroad = refund(id=2, refund_line_items=[], transactions=[giving(currency="EUR")])
    taken = order(refunds=[restock(refund_line()), abroad], **UNPAID)
    assert reason("orders/updated", taken) == (
        "what was paid for the order is not known, because a refund of it is told in the customer's currency: a sweep "
        "tells the order"
    )
    paid = facts("orders/updated", {**taken, "transactions": [transaction()]})
    assert [type(fact) for fact in paid] == [PaymentReceived], "what the body tells in the shop's money is told"
    assert told(refunds=[abroad]) == OrderUpdated(**WHOLE), "where nothing was taken off, it matters to nobody"


def test_an_order_of_which_everything_was_taken_off_says_so() -> None:
    all_off = restock(refund_line(quantity=2, subtotal_set=money("20.00"), total_tax_set=money("3.33")))
    found = told(
        refunds=[all_off], shipping_lines=[], total_price="20.00", current_total_price="0.00", total_outstanding="0.00"
    )
    assert [(one.quantity, one.discount_amount, one.tax_amount) for one in found.lines] == [("0", None, "0.00")]
    assert found.total == "0.00"


def test_an_old_version_that_does_not_say_what_is_owed() -> None:
    assert told(refunds=[restock(refund_line())], total_outstanding=None, current_total_price=None).total == "15.00"


@pytest.mark.parametrize(
    ("changed", "name", "identity"),
    [
        ({"customer": None}, "Ada Lovelace", None),
        ({"customer": None, "billing_address": None}, "Ada Lovelace", None),
        ({"customer": None, "billing_address": address(name=" ", company="Engines Ltd")}, "Engines Ltd", None),
        ({"customer": None, "billing_address": None, "shipping_address": None}, "ada@example.com", None),
        (
            {"customer": None, "billing_address": None, "shipping_address": None, "email": ""},
            "Guest of the shop",
            None,
        ),
        ({"customer": customer(first_name=None, last_name="Byron")}, "Byron", "207119551"),
    ],
)
def test_who_bought(changed: dict[str, Any], name: str, identity: str | None) -> None:
    found = told(**changed).customer
    assert (found.name, found.id) == (name, identity)


def test_what_is_too_long_or_no_country_is_left_out() -> None:
    odd = address(address1="x" * 300, zip="y" * 60, country_code="gb", phone="1" * 60)
    home = told(billing_address=odd, shipping_address={}).customer.address
    assert home is not None
    assert (len(home.line1), len(home.postal_code), home.country) == (255, 50, None)
    assert told(shipping_address={}).shipping_address is None


@pytest.mark.parametrize(
    ("changed", "field", "value", "expected"),
    [
        ({"id": "1"}, "$.id", "1", "a whole number"),
        ({"total_price": 25.0}, "$.total_price", "25.0", "text (in quotes)"),
        ({"total_price": "1e3"}, "$.total_price", "1e3", 'an amount as text, such as "12.50"'),
        ({"currency": "gbp"}, "$.currency", "gbp", "an ISO 4217 code in capitals, such as GBP"),
        ({"updated_at": "2026-11-24"}, "$.updated_at", "2026-11-24", "RFC 3339 with a time zone"),
        ({"updated_at": "1969-12-31T23:59:59Z"}, "updated_at", "1969-12-31T23:59:59+00:00", "a time since 1970"),
        ({"updated_at": "0001-01-01T00:00:00+14:00"}, "updated_at", "0001-01-01T00:00:00+14:00", "a time since 1970"),
        ({"line_items": None}, "$.line_items", "null", "a list"),
        ({"line_items": [line(tax_lines=[tax("1.00", 20)])]}, "tax_lines.rate", "20", "a share such as 0.2"),
        ({"line_items": [line(tax_lines=[{"price": "1", "rate": "NaN"}])]}, "tax_lines.rate", "NaN", "a share"),
        ({"line_items": [], "shipping_lines": []}, "$.lines", "[]", ""),
        ({"name": "#"}, "$.number", "''", "text of length >= 1"),
    ],
)
def test_a_field_that_does_not_fit_is_a_letter(changed: dict[str, Any], field: str, value: str, expected: str) -> None:
    evidence = letter("orders/updated", order(**changed))
    assert (evidence.field, evidence.value) == (field, value)
    assert f"Shopify's {field} is {value}, expected {expected}" in evidence.message
