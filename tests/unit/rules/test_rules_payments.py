"""Payments, refunds and reversals: literal events, literal commands."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from schemas.commands import (
    Command,
    Ignored,
    Pending,
    RecordPayment,
    RecordRefund,
    ReversePayment,
    UpsertCreditNote,
)
from streams.core.tenant_file import Route
from streams.core.tenants import Tenant, Tenants
from tests.support.rules import LINE, TENANTS, commands, evidence, record

PAYMENT = {
    "payment_id": "pi_1",
    "gateway": "stripe",
    "amount": "24.00",
    "currency": "GBP",
    "received_at": "2026-11-24T23:30:00Z",
    "order": {"source": "shop-1", "id": "1001"},
}
REFUND = {
    "refund_id": "re_1",
    "gateway": "stripe",
    "amount": "12.00",
    "currency": "GBP",
    "refunded_at": "2026-11-25T09:00:00Z",
    "order": {"source": "shop-1", "id": "1001"},
    "reason": "broken",
}
INVOICE = "shop-1:order:1001#invoice"


def test_a_payment_goes_into_the_clearing_account_against_the_orders_invoice() -> None:
    [command] = commands("PaymentReceived", PAYMENT, source="stripe-1")
    assert command == Command(
        command_id="stripe-1:e1#payment",
        effect_key="stripe-1:payment:pi_1#payment",
        entity_key="stripe-1:payment:pi_1",
        tenant="uk",
        payload=RecordPayment(
            invoice=INVOICE,
            account_code="091",
            date=dt.date(2026, 11, 24),
            amount=Decimal("24.00"),
            currency="GBP",
            reference=getattr(command.payload, "reference", ""),
        ),
        depends_on=(INVOICE,),
    )
    assert getattr(command.payload, "reference", "").startswith("pi_1 ")


def test_a_refund_is_a_credit_note_and_its_payment() -> None:
    note, refund = commands("RefundIssued", REFUND, source="stripe-1")
    assert isinstance(note.payload, UpsertCreditNote)
    assert (note.payload.number, note.payload.invoice, note.payload.total) == ("S1-CN-re_1", INVOICE, Decimal("12.00"))
    assert note.depends_on == (INVOICE,)
    assert isinstance(refund.payload, RecordRefund)
    assert refund.payload.credit_note == note.effect_key
    assert refund.depends_on == (note.effect_key,)


def test_a_refund_with_lines_mirrors_them() -> None:
    note, _ = commands("RefundIssued", {**REFUND, "lines": [{**LINE, "quantity": "1"}]}, source="stripe-1")
    assert isinstance(note.payload, UpsertCreditNote)
    assert [line.tax_type for line in note.payload.lines] == ["OUTPUT2"]


def test_a_refund_that_names_only_its_payment_builds_on_that() -> None:
    data = {**REFUND, "order": None, "payment_id": "pi_1"}
    note, _ = commands("RefundIssued", data, source="stripe-1")
    assert note.depends_on == ("stripe-1:payment:pi_1#payment",)
    assert isinstance(note.payload, UpsertCreditNote)
    assert (note.payload.invoice, note.payload.number) == ("stripe-1:payment:pi_1#payment", "S1-CN-re_1")


def test_a_payment_that_came_undone_is_taken_back() -> None:
    failed = {"payment_id": "pi_1", "gateway": "stripe", "failed_at": "2026-11-26T00:00:00Z", "kind": "reversed"}
    [command] = commands("PaymentFailed", failed, source="stripe-1")
    assert isinstance(command.payload, ReversePayment)
    assert command.depends_on == ("stripe-1:payment:pi_1#payment",)
    declined = record("PaymentFailed", {**failed, "kind": "declined"}, source="stripe-1").outcome
    assert declined == Ignored("the payment was declined and never counted")


@pytest.mark.parametrize(
    ("name", "data", "field"),
    [
        ("PaymentReceived", {**PAYMENT, "order": None}, "order"),
        ("RefundIssued", {**REFUND, "order": None}, "order"),
        ("PaymentReceived", {**PAYMENT, "gateway": "paypal"}, "gateway"),
        ("PaymentReceived", {**PAYMENT, "currency": "USD"}, "currency"),
        ("RefundIssued", {**REFUND, "lines": [LINE]}, "total"),
    ],
)
def test_what_cannot_be_booked_is_told(name: str, data: dict[str, Any], field: str) -> None:
    assert evidence(name, data, source="stripe-1").field == field


def test_what_no_rule_books_yet_waits() -> None:
    payout = {
        "payout_id": "po_1",
        "gateway": "stripe",
        "net": "10.00",
        "currency": "GBP",
        "paid_at": "2026-11-26T00:00:00Z",
    }
    assert isinstance(record("PayoutPaid", payout, source="stripe-1").outcome, Pending)


def _by_country(**irish: Any) -> Tenants:
    """One shop and its gateway, routed to two organisations by country; `irish` changes the second one's file."""
    uk = TENANTS.tenants["uk"].file
    files = {"uk": uk, "ie": uk.model_copy(update=irish)}
    return Tenants(
        TENANTS.sources,
        {
            name: Tenant(
                name,
                file.model_copy(
                    update={
                        "routes": tuple(Route(source=one, countries=(country,)) for one in ("shop-1", "stripe-1")),
                    }
                ),
            )
            for (name, file), country in zip(files.items(), ("GB", "IE"), strict=True)
        },
    )


def test_money_that_carries_no_country_belongs_to_whoever_owns_the_invoice() -> None:
    tenants = _by_country(time_zone="Europe/Dublin")
    [payment] = commands("PaymentReceived", PAYMENT, source="stripe-1", tenants_=tenants)
    assert (payment.tenant, payment.depends_on) == (None, (INVOICE,))
    assert isinstance(payment.payload, RecordPayment)
    assert payment.payload.account_code == "091"
    note, refund = commands("RefundIssued", REFUND, source="stripe-1", tenants_=tenants)
    assert (note.tenant, refund.tenant) == (None, None)


def test_money_that_two_organisations_would_book_differently_is_told() -> None:
    tenants = _by_country(time_zone="Asia/Tokyo")
    told = evidence("PaymentReceived", PAYMENT, source="stripe-1", tenants_=tenants)
    assert told.field == "currency"
    assert told.message == "uk and ie could both own this, and their files book it differently."
    assert "time zone" in (told.remedy or "")
