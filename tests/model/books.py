"""The books of the abstract Xero: plain documents in dictionaries, and the few rules that doubles depend on.

Written from the facts alone (sections 4 and 5). Numbers of contacts, invoices and credit notes are unique; payments
have no unique key, so two of one fact are found by their mark only.
"""

import datetime as dt
import itertools
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

Document = dict[str, Any]
Element = Mapping[str, Any]

ZERO: Final = Decimal(0)
ZERO_ID: Final = "00000000-0000-0000-0000-000000000000"
IDS: Final = {
    "Contacts": "ContactID",
    "Invoices": "InvoiceID",
    "CreditNotes": "CreditNoteID",
    "Payments": "PaymentID",
}
NUMBERS: Final = {"Contacts": "ContactNumber", "Invoices": "InvoiceNumber", "CreditNotes": "CreditNoteNumber"}
_NUMBER_TAKEN: Final = {
    "Contacts": "Another contact has this contact number. Please enter a different contact number.",
    "Invoices": "Invoice # must be unique.",
    "CreditNotes": "Credit Note # must be unique.",
}
_EXCEEDS: Final = "Payment amount exceeds the amount outstanding on this document"
_NOT_APPROVED: Final = "Payments can only be made against Authorised documents"
_PAID: Final = "This document cannot be edited as it has a payment or credit note allocated to it."
_ENDED: Final = "Invoice not of valid status for modification"
# What an invoice with payments still lets one change.
_FREE: Final = frozenset({"InvoiceID", "Reference", "DueDate"})


class Refused(Exception):
    """An element that Xero does not keep; its arguments are the validation messages."""


class Books:
    """`kept` is told of each element that was kept, as it stands afterwards; `now` dates it."""

    def __init__(self, kept: Callable[[str, Document], None], now: Callable[[], dt.datetime]) -> None:
        self.tables: dict[str, dict[str, Document]] = {resource: {} for resource in IDS}
        self.updated: dict[str, dt.datetime] = {}
        # Accounts that a person has not made yet.
        self.missing_accounts: set[str] = set()
        self._kept = kept
        self._now = now
        self._next = itertools.count(1)

    def apply(self, resource: str, element: Element, *, create: bool) -> Document:
        """One element of a write; what the answer says of it."""
        try:
            document = self._write(resource, element, create=create)
        except Refused as refused:
            messages = [{"Message": message} for message in refused.args]
            echo = {**element, "HasErrors": True, "ValidationErrors": messages, "StatusAttributeString": "ERROR"}
            return {IDS[resource]: ZERO_ID, **echo}
        self.updated[document[IDS[resource]]] = self._now()
        self._kept(resource, document)
        return {**self.shown(resource, document), "StatusAttributeString": "OK"}

    def shown(self, resource: str, document: Document) -> Document:
        """A document as an answer shows it."""
        if resource in ("Contacts", "Payments"):
            return dict(document)
        paid = sum((one["Amount"] for one in self.payments_of(resource, document)), ZERO)
        total = document["Total"]
        status = document["Status"]
        if status == "AUTHORISED" and paid == total:
            status = "PAID"
        return {**document, "Status": status, "AmountPaid": paid, "AmountDue": total - paid}

    def payments_of(self, resource: str, document: Document) -> list[Document]:
        """The live payments of an invoice or credit note."""
        name = resource[:-1]
        return [
            one
            for one in self.tables["Payments"].values()
            if one["Status"] != "DELETED" and (one.get(name) or {}).get(IDS[resource]) == document[IDS[resource]]
        ]

    def _write(self, resource: str, element: Element, *, create: bool) -> Document:
        if resource == "Payments":
            return self._pay(element) if create else self._unpay(element)
        table = self.tables[resource]
        if create:
            if any(one[NUMBERS[resource]] == element[NUMBERS[resource]] for one in table.values()):
                raise Refused(_NUMBER_TAKEN[resource])
            standing: Document = {"Status": "AUTHORISED"} if resource != "Contacts" else {"ContactStatus": "ACTIVE"}
        else:
            standing = table[element[IDS[resource]]]
        changed = {**standing, **element}
        if resource == "Contacts":
            self._check_name(changed)
        else:
            self._check_document(resource, standing, changed, element)
        if create:
            changed[IDS[resource]] = self._new_id(resource)
        table[changed[IDS[resource]]] = changed
        return changed

    def _check_name(self, contact: Document) -> None:
        for other in self.tables["Contacts"].values():
            is_another = other["ContactID"] != contact.get("ContactID")
            if is_another and other["Name"].casefold() == contact["Name"].casefold():
                raise Refused(
                    f"The contact name {contact['Name']} is already assigned to another contact. "
                    "The contact name must be unique across all active contacts."
                )

    def _check_document(self, resource: str, standing: Document, changed: Document, element: Element) -> None:
        if standing["Status"] in ("VOIDED", "DELETED"):
            raise Refused(_ENDED)
        if standing.get(IDS[resource]) and self.payments_of(resource, standing) and element.keys() - _FREE:
            raise Refused(_PAID)
        if "LineItems" not in element:
            return
        accounts = {line["AccountCode"] for line in element["LineItems"]}
        for account in sorted(accounts & self.missing_accounts):
            raise Refused(f"Account code '{account}' is not a valid code for this document.")
        lines = [self._line(line) for line in element["LineItems"]]
        changed["LineItems"] = lines
        changed["Total"] = sum((line["LineAmount"] for line in lines), ZERO)

    def _line(self, line: Element) -> Document:
        amount = Decimal(line["Quantity"]) * Decimal(line["UnitAmount"])
        return {"LineItemID": self._new_id("LineItems"), **line, "LineAmount": amount, "TaxAmount": ZERO}

    def _pay(self, element: Element) -> Document:
        resource = "CreditNotes" if "CreditNote" in element else "Invoices"
        document = self.tables[resource][element[resource[:-1]][IDS[resource]]]
        shown = self.shown(resource, document)
        messages = [_EXCEEDS] if element["Amount"] > shown["AmountDue"] else []
        if shown["Status"] != "AUTHORISED":
            messages.append(_NOT_APPROVED)
        if messages:
            raise Refused(*messages)
        payment = {**element, "PaymentID": self._new_id("Payments"), "Status": "AUTHORISED"}
        self.tables["Payments"][payment["PaymentID"]] = payment
        return payment

    def _unpay(self, element: Element) -> Document:
        payment = self.tables["Payments"][element["PaymentID"]]
        if payment["Status"] == "DELETED":
            raise Refused("This payment has already been deleted")
        payment["Status"] = "DELETED"
        return payment

    def _new_id(self, resource: str) -> str:
        return f"{resource.lower()}-{next(self._next)}"
