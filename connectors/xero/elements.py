"""A command's payload as the element of a Xero call. Pure.

Amounts are texts here (see `wire`). A contact inside a document is named by its ContactID and nothing else: any other
field beside it would change the contact (facts 4).
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from msgspec.structs import replace

from connectors.xero.wire import text
from schemas.commands import (
    DocumentLine,
    PostalAddress,
    RecordPayment,
    RecordRefund,
    UpsertContact,
    UpsertCreditNote,
    UpsertInvoice,
)
from schemas.money import EXACT, round_half_up

Element = dict[str, Any]

REFERENCE_CHARACTERS_MAX: Final = 255
_UNIT_PLACES: Final = 4


def reference(words: str, mark: str) -> str:
    """`words` with our mark in it, by which the document is found again; it is shortened before the mark is."""
    if mark in words:
        return words[:REFERENCE_CHARACTERS_MAX]
    return f"{words[: REFERENCE_CHARACTERS_MAX - len(mark) - 1]} {mark}".strip()


def contact(payload: UpsertContact, *, name: str | None = None) -> Element:
    """Everything that the source says of a contact. `name` stands in for one that another contact already has."""
    element: Element = {"Name": name or payload.name, "ContactNumber": payload.number}
    plain = {
        "EmailAddress": payload.email,
        "FirstName": payload.first_name,
        "LastName": payload.last_name,
        "TaxNumber": payload.tax_number,
    }
    element |= {key: value for key, value in plain.items() if value}
    if payload.phone:
        element["Phones"] = [{"PhoneType": "DEFAULT", "PhoneNumber": payload.phone}]
    if payload.address is not None and (address := _address(payload.address)):
        # POBOX is the postal address, the one that Xero prints on documents.
        element["Addresses"] = [{"AddressType": "POBOX", **address}]
    return element


def _address(address: PostalAddress) -> dict[str, str]:
    named = {
        "AddressLine1": address.line1,
        "AddressLine2": address.line2,
        "City": address.city,
        "Region": address.region,
        "PostalCode": address.postal_code,
        "Country": address.country,
    }
    return {key: value for key, value in named.items() if value}


def invoice(payload: UpsertInvoice, contact_id: str, mark: str) -> Element:
    """A sales invoice as it must stand."""
    element: Element = {
        "Type": "ACCREC",
        "InvoiceNumber": payload.number,
        "Contact": {"ContactID": contact_id},
        "Date": payload.date.isoformat(),
        "DueDate": payload.due_date.isoformat(),
        "LineAmountTypes": payload.line_amount_types,
        "CurrencyCode": payload.currency,
        "Reference": reference(payload.reference, mark),
        "Status": payload.status,
        "LineItems": lines(payload.lines),
    }
    if payload.currency_rate is not None:
        element["CurrencyRate"] = text(payload.currency_rate)
    if payload.url:
        element["Url"] = payload.url
    return element


def credit_note(
    payload: UpsertCreditNote,
    contact_id: str,
    mark: str,
    items: Iterable[Element],
    line_amount_types: str,
) -> Element:
    """A credit note to a customer, ready to be paid out."""
    element: Element = {
        "Type": "ACCRECCREDIT",
        "CreditNoteNumber": payload.number,
        "Contact": {"ContactID": contact_id},
        "Date": payload.date.isoformat(),
        "LineAmountTypes": line_amount_types,
        "CurrencyCode": payload.currency,
        "Reference": reference(payload.reference, mark),
        "Status": "AUTHORISED",
        "LineItems": list(items),
    }
    if payload.currency_rate is not None:
        element["CurrencyRate"] = text(payload.currency_rate)
    return element


def lines(items: Sequence[DocumentLine], *, with_tax: bool = False) -> list[Element]:
    """Lines in the order of the source. Xero computes their tax, unless `with_tax` tells it (facts 5: TaxAmount)."""
    found = [_line(item) for item in items]
    if with_tax:
        for element, item in zip(found, items, strict=True):
            if item.tax_amount is not None:
                element["TaxAmount"] = text(item.tax_amount)
    return found


def without_discount(item: DocumentLine) -> DocumentLine:
    """The line as one thing at the price that was paid: Xero takes discounts on invoices and quotes alone (facts 5)."""
    if not item.discount_amount:
        return item
    unit_amount = round_half_up(item.unit_amount, _UNIT_PLACES)
    paid = round_half_up(EXACT.subtract(EXACT.multiply(item.quantity, unit_amount), item.discount_amount))
    return replace(item, quantity=Decimal(1), unit_amount=paid, discount_amount=None)


def _line(item: DocumentLine) -> Element:
    element: Element = {
        "Description": item.description,
        "Quantity": text(item.quantity),
        "UnitAmount": text(round_half_up(item.unit_amount, _UNIT_PLACES)),
        "AccountCode": item.account_code,
        "TaxType": item.tax_type,
    }
    if item.discount_amount:
        element["DiscountAmount"] = text(item.discount_amount)
    return element


def payment(payload: RecordPayment, invoice_id: str, mark: str) -> Element:
    """Money received for an invoice."""
    return {"Invoice": {"InvoiceID": invoice_id}, **_money(payload, mark)}


def refund(payload: RecordRefund, credit_note_id: str, mark: str) -> Element:
    """Money paid back against a credit note."""
    return {"CreditNote": {"CreditNoteID": credit_note_id}, **_money(payload, mark)}


def _money(payload: RecordPayment | RecordRefund, mark: str) -> Element:
    element: Element = {
        "Account": {"Code": payload.account_code},
        "Date": payload.date.isoformat(),
        "Amount": text(payload.amount),
        "Reference": reference(payload.reference, mark),
    }
    if payload.currency_rate is not None:
        element["CurrencyRate"] = text(payload.currency_rate)
    return element


def with_line_ids(items: Iterable[Element], standing: Iterable[Mapping[str, Any]]) -> list[Element]:
    """Lines that take the place of those that stand, position by position (facts 5: a line without an id is new)."""
    ids = [line.get("LineItemID") for line in standing]
    return [
        {"LineItemID": ids[place], **item} if place < len(ids) and ids[place] else item
        for place, item in enumerate(items)
    ]
