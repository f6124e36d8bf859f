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
from streams.core.tenant_file import Numbers, PaymentAccount, Route
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


def test_a_payment_that_several_events_tell_says_so() -> None:
    [command] = commands("PaymentReceived", {**PAYMENT, "told_by_several": True}, source="stripe-1")
    assert isinstance(command.payload, RecordPayment)
    assert command.payload.told_by_several


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


def test_what_tells_the_lines_of_a_refund_alone_moves_no_money() -> None:
    data = {**REFUND, "lines": [{**LINE, "quantity": "1"}], "lines_only": True}
    [note] = commands("RefundIssued", data, source="stripe-1")
    assert isinstance(note.payload, UpsertCreditNote)
    assert (note.effect_key, len(note.payload.lines)) == ("stripe-1:refund:re_1#credit_note", 1)


def test_a_refund_that_names_only_its_payment_builds_on_that() -> None:
    data = {**REFUND, "order": None, "payment_id": "pi_1"}
    note, _ = commands("RefundIssued", data, source="stripe-1")
    assert note.depends_on == ("stripe-1:payment:pi_1#payment",)
    assert isinstance(note.payload, UpsertCreditNote)
    assert (note.payload.invoice, note.payload.number) == ("stripe-1:payment:pi_1#payment", "S1-CN-re_1")


def test_a_refund_of_a_gateway_that_sells_itself_has_the_number_of_either() -> None:
    """Which invoice its payment has paid, only the ledger knows."""
    uk = TENANTS.tenants["uk"].file
    numbers = {**uk.numbers, "stripe-1": Numbers(invoice="B1-", credit_note="B1-CN-")}
    selling = Tenants(TENANTS.sources, {"uk": Tenant("uk", uk.model_copy(update={"numbers": numbers}))})
    by_payment = {**REFUND, "order": None, "payment_id": "pi_1"}
    own = {**REFUND, "order": {"source": "stripe-1", "id": "in_1"}}
    for data, found in ((by_payment, ("S1-CN-re_1", "B1-CN-re_1")), (REFUND, ("S1-CN-re_1", None))):
        note, _ = commands("RefundIssued", data, source="stripe-1", tenants_=selling)
        assert isinstance(note.payload, UpsertCreditNote)
        assert (note.payload.number, note.payload.own_number) == found
    routed = Tenant("uk", selling.tenants["uk"].file.model_copy(update={"routes": (Route(source="stripe-1"),)}))
    note, _ = commands("RefundIssued", own, source="stripe-1", tenants_=Tenants(TENANTS.sources, {"uk": routed}))
    assert isinstance(note.payload, UpsertCreditNote)
    assert (note.payload.number, note.payload.own_number) == ("B1-CN-re_1", None)


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


def _told_by(*source: str | None, gateway: str = "stripe") -> Tenants:
    """Two sources tell of a gateway; `source`: what the tenant file names, if anything."""
    uk = TENANTS.tenants["uk"].file
    entries = tuple(PaymentAccount(gateway=gateway, currency="GBP", account="091", source=one) for one in source)
    return Tenants(TENANTS.sources, {"uk": Tenant("uk", uk.model_copy(update={"payments": entries}))})


def test_money_is_booked_as_the_named_source_tells_it_and_what_others_say_of_it_changes_nothing() -> None:
    named = _told_by("stripe-1")
    failed = {"payment_id": "pi_1", "gateway": "stripe", "failed_at": "2026-11-26T00:00:00Z", "kind": "reversed"}
    for name, data in (("PaymentReceived", PAYMENT), ("RefundIssued", REFUND), ("PaymentFailed", failed)):
        assert commands(name, data, source="stripe-1", tenants_=named)
        assert record(name, data, source="shop-1", tenants_=named).outcome == Ignored(
            "the tenant file names another source that reports the money of this gateway"
        )


def test_two_sources_that_may_tell_of_the_same_money_are_a_question_to_the_tenant_file() -> None:
    told = evidence("PaymentReceived", PAYMENT, source="shop-1", tenants_=_told_by(None))
    assert (told.field, told.value) == ("gateway", "stripe")
    assert "stripe-1 may report too" in told.message
    assert commands("PaymentReceived", PAYMENT, source="stripe-1", tenants_=_told_by(None))
    cash = {**PAYMENT, "gateway": "cash"}
    assert commands("PaymentReceived", cash, source="shop-1", tenants_=_told_by(None, gateway="cash"))


def test_the_seller_of_the_order_decides_whose_books_and_not_the_gateway() -> None:
    uk = TENANTS.tenants["uk"].file
    routes = {"uk": Route(source="shop-1", currencies=("GBP",)), "ie": Route(source="stripe-1", currencies=("GBP",))}
    files = {name: Tenant(name, uk.model_copy(update={"routes": (route,)})) for name, route in routes.items()}
    [payment] = commands("PaymentReceived", PAYMENT, source="stripe-1", tenants_=Tenants(TENANTS.sources, files))
    assert payment.tenant == "uk"


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
