"""Billing: an invoice is an order with lines and taxes, it is paid once, and a credit note is no second refund."""

import dataclasses
import datetime as dt
from typing import Any

import pytest

from connectors.base import ApiConfig, Events, Secret
from schemas.commands import Ignored, RefusedEvent
from schemas.events import OrderCancelled, OrderPlaced, PaymentReceived, RefundIssued, decode_event
from schemas.events.fields import Address, Customer, Line, OrderRef
from tests.unit.stripe.billing import credit_note, invoice, line
from tests.unit.stripe.payloads import AT, LIVE, charge, delivered, event, facts, intent, letter, refund

MOMENT = dt.datetime(2026, 11, 24, 9, 30, tzinfo=dt.UTC)
SWEPT = dataclasses.replace(LIVE, api=ApiConfig(url="https://api.example.com", token=Secret("rk")))
OLD = "2024-10-28.acacia"


def old_line(amount: int = 2400, tax: int = 400, *, included: bool = True, **more: Any) -> dict[str, Any]:
    """A line as API versions before 2025-03-31 write it, with the rate that was set by hand."""
    stated = [{"id": "txr_20", "object": "tax_rate", "inclusive": included, "percentage": 20.0}]
    part = {"amount": tax, "inclusive": included, "tax_rate": "txr_20", "taxable_amount": amount - tax * included}
    return {**line(amount), "taxes": None, "tax_amounts": [part], "tax_rates": stated, "quantity": 1, **more}


def told(thing: dict[str, Any]) -> OrderPlaced:
    """The order that an invoice is."""
    [fact] = facts(event("invoice.paid", thing))
    assert isinstance(fact, OrderPlaced)
    return fact


def test_an_invoice_is_an_order_with_its_lines_and_taxes() -> None:
    assert told(invoice()) == OrderPlaced(
        order_id="in_1",
        number="A1B2-0001",
        currency="GBP",
        customer=Customer(
            name="Ada Lovelace",
            id="cus_1",
            email="ada@example.com",
            tax_number="GB123456789",
            address=Address(line1="1 Mill Lane", city="London", postal_code="N1 1AA", country="GB"),
        ),
        lines=(
            Line(
                id="il_1",
                description="2 × Seats (at £10.00 / month)",
                unit_amount="10.00",
                quantity="2",
                tax_rate="20",
                tax_amount="4.00",
                tax_code="txr_20",
                kind="service",
            ),
        ),
        total="24.00",
        taxes_included=False,
        placed_at=MOMENT,
    )


def test_finalized_and_paid_are_one_version_of_it_and_voided_is_a_later_one() -> None:
    still_open = invoice(status="open", status_transitions={"finalized_at": AT, "paid_at": None})
    voided = invoice(status="void", status_transitions={"finalized_at": AT, "voided_at": AT})
    found = [
        delivered(event(type_, thing))
        for type_, thing in (
            ("invoice.finalized", still_open),
            ("invoice.paid", invoice()),
            ("invoice.voided", voided),
        )
    ]
    first, second, third = (one.envelopes[0] for one in found if isinstance(one, Events))
    assert (first.subject, first.sequence, first.data) == (second.subject, second.sequence, second.data)
    assert int(third.sequence or 0) > int(first.sequence or 0), "voided in the very second of its finalization"
    assert decode_event(third)[1] == OrderCancelled(
        order_id="in_1", cancelled_at=MOMENT, currency="GBP", reason="voided"
    )


def test_an_invoice_of_nothing_is_not_booked() -> None:
    assert delivered(event("invoice.paid", invoice(total=0))) == Ignored(
        "the invoice is of nothing: nobody owes anything"
    )


def test_an_invoice_that_the_webhook_cuts_is_left_to_the_sweep_or_a_letter() -> None:
    cut = invoice(lines={"object": "list", "data": [line()], "has_more": True})
    assert delivered(event("invoice.paid", cut), SWEPT) == Ignored(
        "the invoice has more lines than the webhook shows: the sweep tells it whole"
    )
    evidence = letter(event("invoice.paid", cut))
    assert evidence.field == "data.object.lines.has_more"
    assert "api in sources.yaml" in (evidence.remedy or "")


def test_lines_of_old_api_versions_tell_the_same_rate() -> None:
    [only] = told(invoice(old_line())).lines
    assert (only.unit_amount, only.tax_rate, only.tax_amount, only.tax_code) == ("24.00", "20", "4.00", "txr_20")
    assert told(invoice(old_line())).taxes_included is True
    assert told(invoice(old_line(2000, 400, included=False))).taxes_included is False


@pytest.mark.parametrize(
    ("amounts", "taxes", "rate"),
    [
        ((1997,), (399,), "20"),
        ((333, 333, 334), (67, 67, 67), "20"),
        ((10_000,), (888,), "8.88"),
        ((1000,), (50,), "5"),
        ((1000,), (0,), "0"),
        ((100_000,), (8875,), "8.875"),
    ],
)
def test_a_rate_that_is_not_stated_is_the_roundest_that_makes_the_tax(
    amounts: tuple[int, ...], taxes: tuple[int, ...], rate: str
) -> None:
    lines = [
        line(amount, id=f"il_{at}", taxes=[{**line(amount)["taxes"][0], "amount": tax}])
        for at, (amount, tax) in enumerate(zip(amounts, taxes, strict=True))
    ]
    assert {one.tax_rate for one in told(invoice(*lines)).lines} == {rate}


def test_a_tax_in_the_price_is_reckoned_from_the_rounded_rest() -> None:
    """Three lines of 9.21 at 20 %: what is rounded in the tax is missing in its base."""
    tax = {**line()["taxes"][0], "amount": 154, "taxable_amount": 767, "tax_behavior": "inclusive"}
    lines = [line(921, id=f"il_{at}", quantity=1, taxes=[tax]) for at in range(3)]
    order = told(invoice(*lines))
    assert (order.taxes_included, {one.tax_rate for one in order.lines}) == (True, {"20"})


def test_taxes_of_one_line_come_together() -> None:
    both = [
        {"amount": 100, "inclusive": False, "taxable_amount": 2000, "tax_rate": {"id": "a", "percentage": 5}},
        {"amount": 200, "inclusive": False, "taxable_amount": 2000, "tax_rate": {"id": "b", "percentage": 9.975}},
    ]
    [only] = told(invoice(line(taxes=[], tax_amounts=both))).lines
    assert (only.tax_rate, only.tax_amount, only.tax_code) == ("14.975", "3.00", None)


def test_a_line_without_tax_has_no_rate() -> None:
    [only] = told(invoice(line(taxes=[]))).lines
    assert (only.tax_rate, only.tax_amount) == (None, None)


def test_discounts_credits_and_odd_quantities() -> None:
    credits = [{"amount": 300, "type": "credit_balance_transaction"}, {"amount": 200, "type": "discount"}]
    off = line(1000, quantity=3, discount_amounts=[{"amount": 200, "discount": "di_1"}], pretax_credit_amounts=credits)
    back = line(-500, id="il_2", quantity=1)
    one, other = told(invoice(off, back)).lines
    assert (one.unit_amount, one.quantity, one.discount_amount) == ("10.00", "1", "5.00"), "10.00 is no 3 of anything"
    assert (other.unit_amount, other.discount_amount) == ("-5.00", None)


@pytest.mark.parametrize(("listed", "code"), [(True, "txr_20"), (False, None)])
def test_shipping_is_a_line(listed: bool, code: str | None) -> None:
    rate = {"amount": 100, "rate": {"id": "txr_20", "percentage": 20.0}, "taxable_amount": 500}
    cost = {"amount_subtotal": 500, "amount_tax": 100, "amount_total": 600, "taxes": [rate] if listed else None}
    shipping = told(invoice(shipping_cost=cost)).lines[-1]
    assert (shipping.kind, shipping.unit_amount, shipping.tax_rate) == ("shipping", "5.00", "20")
    assert (shipping.tax_amount, shipping.tax_code) == ("1.00", code)
    included = told(invoice(old_line(), shipping_cost=cost)).lines[-1]
    assert included.unit_amount == "6.00"


@pytest.mark.parametrize(
    ("thing", "field"),
    [
        (invoice(line(), old_line(id="il_2")), "lines.taxes"),
        (invoice(lines={"data": []}), "lines.data"),
        (invoice(lines={"data": {}}), "lines.data"),
        (invoice(customer=None, customer_email=None, customer_name=None), "customer_name"),
        (invoice(old_line(tax_rates=[{"id": "txr_20", "percentage": "20"}])), "tax_rate.percentage"),
        (invoice(line(5, discount_amounts=[{"amount": "2"}])), "amount"),
        (invoice(due_date="soon"), "due_date"),
    ],
)
def test_an_invoice_that_does_not_fit_is_a_letter(thing: dict[str, Any], field: str) -> None:
    found = letter(event("invoice.paid", thing))
    assert found.field == field


@pytest.mark.parametrize(
    "document",
    [
        event("payment_intent.succeeded", intent(metadata={}, payment_details={"order_reference": "in_1"})),
        event("payment_intent.succeeded", intent(metadata={}, invoice="in_1"), api_version=OLD),
        event("charge.succeeded", charge(metadata={}, invoice="in_1"), api_version=OLD),
    ],
)
def test_a_payment_names_the_invoice_that_it_pays(document: dict[str, Any]) -> None:
    [fact] = facts(document, dataclasses.replace(LIVE, order_source=None))
    assert isinstance(fact, PaymentReceived)
    assert (fact.payment_id, fact.order) == ("pi_3PAY", OrderRef(id="in_1", source="stripe-1"))


def test_a_charge_that_cannot_name_its_invoice_is_left_to_its_intent() -> None:
    found = delivered(event("charge.succeeded", charge(metadata={})))
    assert isinstance(found, Ignored)
    assert "payment_intent.succeeded tells the payment" in found.reason
    alone = event("charge.succeeded", charge(metadata={}, payment_intent=None))
    assert [fact.order for fact in facts(alone)] == [None], "nothing else will tell it, so it is a letter for a person"


def test_a_reference_that_is_no_invoice_is_no_order() -> None:
    document = event("payment_intent.succeeded", intent(metadata={}, payment_details={"order_reference": "PO 7"}))
    assert [fact.order for fact in facts(document)] == [None]


def test_what_a_credit_note_gave_back_is_told_by_its_refund() -> None:
    found = Ignored("what the credit note gave back is a refund, and refund.created tells it")
    assert delivered(event("credit_note.created", credit_note())) == found
    old = credit_note(refund="re_3PAY", refunds=None)
    assert delivered(event("credit_note.created", old, api_version=OLD)) == found
    assert facts(event("refund.created", refund())) != []


CREDITED = {"object": "list", "data": [line(1000, quantity=1, description="One seat")], "has_more": False}
SEAT = Line(
    id="il_1",
    description="One seat",
    unit_amount="10.00",
    quantity="1",
    tax_rate="20",
    tax_amount="2.00",
    tax_code="txr_20",
    kind="service",
)


@pytest.mark.parametrize("more", [{}, {"refunds": None, "refund": "re_3PAY"}])
def test_what_a_refund_was_for_its_credit_note_tells(more: dict[str, Any]) -> None:
    """The refund alone tells the money, in a lower version: its lines are those of the note, whatever came first."""
    told = event("credit_note.created", credit_note(lines=CREDITED, **more))
    assert facts(told) == [
        RefundIssued(
            refund_id="re_3PAY",
            gateway="stripe",
            amount="12.00",
            currency="GBP",
            refunded_at=MOMENT + dt.timedelta(hours=2),
            order=OrderRef(id="in_1", source="stripe-1"),
            lines=(SEAT,),
            taxes_included=False,
            reason="order_change",
            lines_only=True,
        )
    ]
    refunded = delivered(event("refund.created", refund(created=AT + 7200)))
    credited = delivered(told)
    assert isinstance(refunded, Events)
    assert isinstance(credited, Events)
    [money], [lines] = refunded.envelopes, credited.envelopes
    assert (money.subject, lines.subject) == ("refund:re_3PAY", "refund:re_3PAY")
    assert int(money.sequence or 0) + 1 == int(lines.sequence or 0)


@pytest.mark.parametrize(
    "more",
    [
        {"lines": {**CREDITED, "has_more": True}},
        {"lines": {**CREDITED, "data": [line(900)]}},
        {"lines": CREDITED, "refunds": [{"amount_refunded": 600, "refund": one} for one in ("re_1", "re_2")]},
        {"lines": CREDITED, "refunds": [{"amount_refunded": 1300, "refund": "re_1"}]},
    ],
    ids=["not all are shown", "another sum", "two refunds", "more than the note"],
)
def test_lines_that_are_not_what_one_refund_gave_back_are_not_told(more: dict[str, Any]) -> None:
    assert delivered(event("credit_note.created", credit_note(**more))) == Ignored(
        "what the credit note gave back is a refund, and refund.created tells it"
    )


def test_what_was_given_back_outside_stripe_has_its_lines_as_well() -> None:
    note = credit_note(refunds=[], out_of_band_amount=1200, lines=CREDITED)
    [fact] = facts(event("credit_note.created", note))
    assert (fact.refund_id, fact.lines, fact.taxes_included, fact.lines_only) == ("cn_1", (SEAT,), False, False)


def test_what_it_gave_back_outside_stripe_is_a_refund_of_another_gateway() -> None:
    note = credit_note(refunds=[], out_of_band_amount=1200)
    assert facts(event("credit_note.created", note)) == [
        RefundIssued(
            refund_id="cn_1",
            gateway="out_of_band",
            amount="12.00",
            currency="GBP",
            refunded_at=MOMENT + dt.timedelta(hours=2),
            order=OrderRef(id="in_1", source="stripe-1"),
            reason="order_change",
        )
    ]


@pytest.mark.parametrize(
    ("note", "kept"),
    [
        (credit_note(refunds=[], pre_payment_amount=1200, post_payment_amount=0), "12.00"),
        (credit_note(refunds=[{"amount_refunded": 700, "refund": "re_1"}]), "5.00"),
        (credit_note(refunds=None, refund="re_1", pre_payment_amount=200), "2.00"),
        (credit_note(refunds=None, refund="re_1", customer_balance_transaction="cbtxn_1"), "12.00"),
    ],
)
def test_a_credit_that_gave_no_money_back_is_a_letter(note: dict[str, Any], kept: str) -> None:
    evidence = letter(event("credit_note.created", note))
    assert evidence.message.startswith(f"The credit note cn_1 credits {kept} GBP without giving it back")
    assert evidence.message.endswith("the customer's balance keeps it.")
    assert evidence.remedy == (
        f"Make a credit note of {kept} GBP in Xero for the invoice in_1. Then discard this letter with a reason."
    )


def test_a_letter_about_a_credit_names_what_it_gave_back_outside_stripe_too() -> None:
    """Nothing else will tell of that money."""
    note = credit_note(refunds=[], amount=10_000, out_of_band_amount=4000, customer_balance_transaction="cbtxn_1")
    evidence = letter(event("credit_note.created", note))
    assert "credits 60.00 GBP without giving it back" in evidence.message
    assert evidence.message.endswith("Another 40.00 GBP were given back outside Stripe.")
    assert "a credit note of 60.00 GBP in Xero for the invoice in_1, and one of 40.00 GBP" in (evidence.remedy or "")


def test_a_thing_that_is_refused_is_named_so_that_its_next_event_makes_no_second_letter() -> None:
    note = credit_note(refunds=[], pre_payment_amount=1200, post_payment_amount=0)
    told = [delivered(event("credit_note.created", note, id=id_)) for id_ in ("evt_1", "evt_2")]
    assert [one.about for one in told if isinstance(one, RefusedEvent)] == ["credit_note:cn_1"] * 2
