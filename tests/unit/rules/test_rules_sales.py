"""Orders and jobs: literal events, literal commands."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from schemas.commands import CancelInvoice, Command, DocumentLine, UpsertContact, UpsertInvoice
from streams.core.effects import payload_digest
from tests.support.rules import LINE, ORDER, commands, evidence


def invoice(**changes: Any) -> UpsertInvoice:
    """The invoice of the order with changes."""
    payload = commands("OrderPlaced", {**ORDER, **changes})[1].payload
    assert isinstance(payload, UpsertInvoice)
    return payload


def lines(*changes: dict[str, Any], total: str, **more: Any) -> tuple[DocumentLine, ...]:
    return invoice(lines=[{**LINE, **change} for change in changes], total=total, **more).lines


def test_an_amount_is_the_same_content_however_it_is_written() -> None:
    line = {**LINE, "discount_amount": "0.00", "tax_amount": "4.00"}
    digests = {
        payload_digest(invoice(lines=[{**line, "unit_amount": unit, "tax_amount": tax}], total=total))
        for unit, tax, total in (("12.00", "4.00", "24.00"), ("12", "4.0", "24.0"), ("12.000", "4", "24"))
    }
    assert len(digests) == 1


def test_an_order_is_a_contact_that_must_exist_and_an_invoice() -> None:
    contact, sale = commands("OrderPlaced", ORDER, sequence="4")
    assert contact == Command(
        command_id="shop-1:e1#contact",
        effect_key="shop-1:customer:77#contact:uk",
        entity_key="shop-1:customer:77",
        tenant="uk",
        payload=UpsertContact(number="shop-1:77", name="Ada Smith", alias="Ada Smith (shop-1:77)", ensure=True),
    )
    assert sale == Command(
        command_id="shop-1:e1#invoice",
        effect_key="shop-1:order:1001#invoice",
        entity_key="shop-1:order:1001",
        tenant="uk",
        payload=UpsertInvoice(
            number="S1-1001",
            contact="shop-1:customer:77#contact:uk",
            date=dt.date(2026, 11, 24),
            due_date=dt.date(2026, 12, 8),
            currency="GBP",
            line_amount_types="Inclusive",
            lines=(
                DocumentLine(
                    description="Mug",
                    quantity=Decimal("2"),
                    unit_amount=Decimal("12.00"),
                    account_code="200",
                    tax_type="OUTPUT2",
                ),
            ),
            total=Decimal("24.00"),
            total_tax=Decimal("4.00"),
            reference="1001 K3ZPWIHCEJV3",
        ),
        depends_on=("shop-1:customer:77#contact:uk",),
        sequence=4,
    )


def test_two_orders_1001_of_two_shops_are_two_invoices() -> None:
    one = commands("OrderPlaced", ORDER)[1]
    other = commands("OrderPlaced", ORDER, source="shop-2")[1]
    assert one.effect_key != other.effect_key
    assert {getattr(one.payload, "number", ""), getattr(other.payload, "number", "")} == {"S1-1001", "S2-1001"}


def test_without_a_sequence_the_time_orders_the_versions() -> None:
    early = commands("OrderUpdated", ORDER, time="2026-11-24T09:30:00Z")[1].sequence
    late = commands("OrderUpdated", ORDER, time="2026-11-24T09:30:00.000001Z")[1].sequence
    assert early is not None
    assert late == early + 1


@pytest.mark.parametrize(
    ("placed_at", "date"),
    [
        ("2026-06-30T22:59:59Z", dt.date(2026, 6, 30)),  # 23:59:59 in London, in summer
        ("2026-06-30T23:00:00Z", dt.date(2026, 7, 1)),
        ("2026-12-31T23:59:59Z", dt.date(2026, 12, 31)),
        ("2027-01-01T09:00:00+10:00", dt.date(2026, 12, 31)),
    ],
)
def test_the_tax_date_is_a_date_in_the_organisations_zone(placed_at: str, date: dt.date) -> None:
    assert invoice(placed_at=placed_at).date == date


@pytest.mark.parametrize(
    ("change", "tax_type"),
    [
        ({"tax_rate": "20"}, "OUTPUT2"),
        ({"tax_rate": "20.0"}, "OUTPUT2"),
        ({"tax_rate": "5"}, "RROUTPUT"),
        ({"tax_rate": "0"}, "ZERORATEDOUTPUT"),
        ({"tax_rate": "0", "tax_code": "exempt"}, "EXEMPTOUTPUT"),
        ({"tax_rate": None, "tax_code": "outside_scope"}, "NONE"),
        ({"tax_rate": None}, "NONE"),
    ],
)
def test_uk_vat(change: dict[str, Any], tax_type: str) -> None:
    assert [line.tax_type for line in lines(change, total="24.00")] == [tax_type]


def test_a_source_that_leaves_tax_out_is_exclusive() -> None:
    payload = invoice(taxes_included=False, total="28.80", total_tax="4.80")
    assert (payload.line_amount_types, payload.total_tax) == ("Exclusive", Decimal("4.80"))


def test_discounts_and_shipping_have_their_accounts() -> None:
    found = lines(
        {"discount_amount": "4.00"},
        {"id": "2", "kind": "discount", "quantity": "1", "unit_amount": "-1.00"},
        {"id": "3", "kind": "shipping", "quantity": "1", "unit_amount": "3.95"},
        total="22.95",
    )
    assert [line.account_code for line in found][:2] == ["200", "200"]
    assert found[0].discount_amount == Decimal("4.00")
    assert found[1].unit_amount == Decimal("-1.00")


def test_a_penny_of_the_sources_rounding_is_an_explicit_line() -> None:
    found = lines({}, total="24.01")
    assert found[-1] == DocumentLine(
        description="Rounding",
        quantity=Decimal(1),
        unit_amount=Decimal("0.01"),
        account_code="860",
        tax_type="NONE",
    )


def test_due_date_reference_and_rate_are_the_sources() -> None:
    payload = invoice(due_date="2026-12-01", reference="R-9", purchase_order="PO 4", exchange_rate="1.25")
    assert payload.due_date == dt.date(2026, 12, 1)
    assert payload.reference.startswith("1001 · R-9 · PO 4 ")
    assert payload.currency_rate == Decimal("1.25")


def test_currency_routes_to_the_organisation() -> None:
    contact, sale = commands("OrderPlaced", {**ORDER, "currency": "EUR", "lines": [{**LINE, "tax_rate": "23"}]})
    assert (contact.tenant, sale.tenant) == ("ie", "ie")
    assert contact.effect_key == "shop-1:customer:77#contact:ie"


def test_a_job_is_invoiced_at_its_completion() -> None:
    data = {name: value for name, value in ORDER.items() if name not in ("order_id", "placed_at")}
    data |= {"job_id": "J-5", "number": "J5", "completed_at": "2026-11-24T09:30:00Z"}
    _, sale = commands("JobCompleted", data, source="jobs-1")
    assert sale.effect_key == "jobs-1:job:J-5#invoice"
    assert getattr(sale.payload, "number", "") == "J1-J5"


def test_a_cancellation_is_a_version_of_the_orders_invoice() -> None:
    data = {"order_id": "1001", "cancelled_at": "2026-11-24T10:00:00Z", "reason": "changed their mind"}
    [cancel] = commands("OrderCancelled", data, sequence="9")
    assert cancel.effect_key == "shop-1:order:1001#invoice"
    assert (cancel.tenant, cancel.sequence) == (None, 9)
    assert cancel.payload == CancelInvoice(reason="changed their mind")
    [paid] = commands("OrderCancelled", {**data, "paid": True})
    assert paid.payload == CancelInvoice(reason="changed their mind", paid=True)
    [with_currency] = commands("OrderCancelled", {**data, "currency": "GBP"})
    assert with_currency.tenant == "uk"


@pytest.mark.parametrize(
    ("changes", "field", "value", "words"),
    [
        (
            {"lines": [{**LINE, "unit_amount": "-12.00"}], "total": "-24.00"},
            "total",
            "-24.00",
            "cannot be below zero",
        ),
        ({"total": "25.00"}, "total", "25.00", "1.00 apart"),
        ({"total_tax": "9.00"}, "total_tax", "9.00", "comes to 4.00"),
        ({"currency": "USD"}, "currency", "USD", "No organisation takes"),
        ({"lines": [{**LINE, "tax_rate": "17.5"}]}, "lines[0].tax_rate", "17.5", "no tax type for a rate of 17.5 %"),
        ({"lines": [{**LINE, "tax_rate": None, "tax_code": "odd"}]}, "lines[0].tax_code", "odd", "does not know"),
        ({"lines": [{**LINE, "tax_rate": None, "tax_amount": "4.00"}]}, "lines[0].tax_rate", "null", "no rate"),
        ({"lines": [{**LINE, "kind": "gift_card"}]}, "lines[0].kind", "gift_card", "names no account"),
        ({"number": "10,01"}, "number", "10,01", "no comma"),
    ],
)
def test_what_cannot_be_booked_names_field_value_and_remedy(
    changes: dict[str, Any], field: str, value: str, words: str
) -> None:
    found = evidence("OrderPlaced", {**ORDER, **changes})
    assert (found.field, found.value) == (field, value)
    assert words in found.message


def test_a_source_without_numbers_or_contacts_is_told_so() -> None:
    found = evidence("OrderPlaced", ORDER, source="crm-1")
    assert found.field == "source"
    assert "numbers" in (found.remedy or "")


@pytest.mark.parametrize(("told", "fits"), [("4.00", True), ("4.06", True), ("4.07", False), ("1.00", False)])
def test_a_lines_tax_that_its_rate_does_not_make_is_refused(told: str, fits: bool) -> None:
    """A penny more than the tenant's bound of 0.05 may be rounding; another tax is another rate."""
    data = {**ORDER, "lines": [{**LINE, "tax_amount": told}]}
    if fits:
        assert invoice(lines=data["lines"]).total_tax == Decimal("4.00")
    else:
        found = evidence("OrderPlaced", data)
        assert (found.field, found.value) == ("lines[0].tax_amount", told)
        assert found.message == f"The line's tax comes to 4.00 in Xero, the source says {told}."
