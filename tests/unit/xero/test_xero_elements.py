"""Elements: what we send is what Xero's own SDK would send, digit for digit."""

import datetime as dt
import json
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xero_python.accounting import models
from xero_python.api_client.serializer import serialize

from connectors.xero import elements
from connectors.xero.totals import predict
from connectors.xero.wire import amount, day, decode, encode, encode_one
from schemas.commands import (
    DocumentLine,
    PostalAddress,
    RecordPayment,
    RecordRefund,
    UpsertContact,
    UpsertCreditNote,
    UpsertInvoice,
)

DAY = dt.date(2026, 11, 20)
# What the SDK puts into every object whether it is set or not.
_ADDED = {"HasAccount", "HasErrors", "HasAttachments", "HasValidationErrors", "IsDiscounted"}
_MS = re.compile(r"^/Date\((\d+)\)/$")


def plain(value: Any) -> Any:
    """JSON without what the SDK adds, dates in one writing, numbers as decimals."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key not in _ADDED and item != []}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str) and (match := _MS.match(value)):
        return dt.datetime.fromtimestamp(int(match[1]) / 1000, dt.UTC).date().isoformat()
    return Decimal(str(value)) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else value


def ours(resource: str, element: dict[str, Any]) -> Any:
    return plain(json.loads(encode(resource, [element]), parse_float=Decimal))


def sdk(model: Any) -> Any:
    return plain(json.loads(json.dumps(serialize(model)), parse_float=Decimal))


def item(amount_: str = "12.3456", **more: Any) -> DocumentLine:
    own: dict[str, Any] = {"quantity": Decimal("3.5"), **more}
    return DocumentLine(
        description="Mug, blue", unit_amount=Decimal(amount_), account_code="200", tax_type="OUTPUT2", **own
    )


def sdk_item(**more: Any) -> Any:
    return models.LineItem(
        description="Mug, blue", quantity=3.5, unit_amount=12.3456, account_code="200", tax_type="OUTPUT2", **more
    )


def test_invoice() -> None:
    payload = UpsertInvoice(
        number="S1-1001",
        contact="c",
        date=DAY,
        due_date=dt.date(2026, 12, 4),
        currency="EUR",
        line_amount_types="Exclusive",
        lines=(item(discount_amount=Decimal("1.25")), item()),
        total=Decimal(0),
        reference="1001",
        currency_rate=Decimal("1.147321"),
        url="https://shop.example/1001",
    )
    expected = models.Invoice(
        type="ACCREC",
        invoice_number="S1-1001",
        contact=models.Contact(contact_id="contact-id"),
        date=DAY,
        due_date=dt.date(2026, 12, 4),
        currency_code=models.CurrencyCode.EUR,
        line_amount_types=models.LineAmountTypes.EXCLUSIVE,
        line_items=[sdk_item(discount_amount=1.25), sdk_item()],
        reference="1001 MARKMARKMARK",
        status="AUTHORISED",
        currency_rate=1.147321,
        url="https://shop.example/1001",
    )
    element = elements.invoice(payload, "contact-id", "MARKMARKMARK")
    assert ours("Invoices", element) == sdk(models.Invoices(invoices=[expected]))


def test_credit_note() -> None:
    payload = UpsertCreditNote(number="CN-1", invoice="i", date=DAY, currency="GBP", total=Decimal(1), reference="re_1")
    expected = models.CreditNote(
        type="ACCRECCREDIT",
        credit_note_number="CN-1",
        contact=models.Contact(contact_id="contact-id"),
        date=DAY,
        currency_code=models.CurrencyCode.GBP,
        line_amount_types=models.LineAmountTypes.INCLUSIVE,
        line_items=[sdk_item()],
        reference="re_1 MARKMARKMARK",
        status="AUTHORISED",
    )
    element = elements.credit_note(payload, "contact-id", "MARKMARKMARK", elements.lines((item(),)), "Inclusive")
    assert ours("CreditNotes", element) == sdk(models.CreditNotes(credit_notes=[expected]))


@given(st.decimals("0.01", "9999", places=4), st.integers(1, 40), st.decimals("0.01", "50", places=2))
def test_a_line_without_its_discount_comes_to_the_same(price: Decimal, quantity: int, discount: Decimal) -> None:
    # Xero takes discounts on invoices and quotes alone, and a credit note is made of what was discounted too.
    line = item(str(price), quantity=Decimal(quantity), discount_amount=discount)
    plain_line = elements.without_discount(line)
    assert "DiscountAmount" not in elements.lines([plain_line])[0]
    percents = {"OUTPUT2": Decimal(20)}
    assert predict([plain_line], "Inclusive", percents) == predict([line], "Inclusive", percents)
    assert elements.without_discount(item()) == item()


def test_contact() -> None:
    payload = UpsertContact(
        number="shop-1:c1",
        name="José Núñez",
        alias="José Núñez (shop-1:c1)",
        ensure=True,
        email="jose@example.com",
        phone="0113 496 0000",
        first_name="José",
        last_name="Núñez",
        tax_number="GB123",
        address=PostalAddress(line1="1 High Street", city="Leeds", postal_code="LS1 1AA", country="GB"),
    )
    expected = models.Contact(
        name="José Núñez",
        contact_number="shop-1:c1",
        email_address="jose@example.com",
        first_name="José",
        last_name="Núñez",
        tax_number="GB123",
        phones=[models.Phone(phone_type="DEFAULT", phone_number="0113 496 0000")],
        addresses=[
            models.Address(
                address_type="POBOX",
                address_line1="1 High Street",
                city="Leeds",
                postal_code="LS1 1AA",
                country="GB",
            )
        ],
    )
    assert ours("Contacts", elements.contact(payload)) == sdk(models.Contacts(contacts=[expected]))
    assert elements.contact(payload, name=payload.alias)["Name"] == payload.alias
    bare = UpsertContact(number="n", name="A", alias="B", ensure=True, address=PostalAddress())
    assert elements.contact(bare) == {"Name": "A", "ContactNumber": "n"}


def test_money() -> None:
    paid = RecordPayment(
        invoice="i", account_code="091", date=DAY, amount=Decimal("22.34"), currency="GBP", reference="pi_1"
    )
    expected = models.Payment(
        invoice=models.Invoice(invoice_id="invoice-id"),
        account=models.Account(code="091"),
        date=DAY,
        amount=22.34,
        reference="pi_1 MARKMARKMARK",
    )
    element = elements.payment(paid, "invoice-id", "MARKMARKMARK")
    assert ours("Payments", element) == sdk(models.Payments(payments=[expected]))
    back = RecordRefund(
        credit_note="c",
        account_code="091",
        date=DAY,
        amount=Decimal("5"),
        currency="EUR",
        reference="re_1",
        currency_rate=Decimal("1.15"),
    )
    refund = elements.refund(back, "note-id", "MARKMARKMARK")
    expected = models.Payment(
        credit_note=models.CreditNote(credit_note_id="note-id"),
        account=models.Account(code="091"),
        date=DAY,
        amount=5.0,
        reference="re_1 MARKMARKMARK",
        currency_rate=1.15,
    )
    assert ours("Payments", refund) == sdk(models.Payments(payments=[expected]))


@given(st.decimals(min_value=Decimal("-9999999999.9999"), max_value=Decimal("9999999999.9999"), places=4))
def test_every_digit_arrives(value: Decimal) -> None:
    body = encode("Invoices", elements.lines([item(str(value))]))
    (line,) = json.loads(body, parse_float=Decimal, parse_int=Decimal)["Invoices"]
    assert line["UnitAmount"] == value
    assert amount(decode(body)["Invoices"][0]["UnitAmount"]) == value


def test_a_unit_amount_has_the_four_decimals_that_xero_sees() -> None:
    assert elements.lines([item("7.74545")])[0]["UnitAmount"] == "7.7455"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("1001", "1001 MARKMARKMARK"),
        ("1001 MARKMARKMARK", "1001 MARKMARKMARK"),
        ("", "MARKMARKMARK"),
        ("x" * 300, "x" * 242 + " MARKMARKMARK"),
    ],
)
def test_the_mark_is_always_in_the_reference(words: str, expected: str) -> None:
    assert elements.reference(words, "MARKMARKMARK") == expected


def test_a_documents_own_path_names_it() -> None:
    assert encode_one("Payments", {"PaymentID": "p", "Status": "DELETED"}) == b'{"Status":"DELETED"}'


def test_dates_and_amounts_of_answers() -> None:
    assert day({"DateString": "2026-11-20T00:00:00", "Date": "/Date(0)/"}, "Date") == "2026-11-20"
    assert day({"Date": "/Date(1795132800000+0000)/"}, "Date") == "2026-11-20"
    assert day({}, "Date") is None
    assert [amount(value) for value in (None, "", True, "x", "1.50", 2)] == [
        None,
        None,
        None,
        None,
        Decimal("1.50"),
        Decimal(2),
    ]
    with pytest.raises(ValueError, match="not JSON"):
        decode(b"<html>")
