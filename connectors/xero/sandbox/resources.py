"""The table of resources: which method of which path leads to which rules, and the scope that it needs.

A resource of a later time (BankTransactions, BankTransfers, Overpayments, Prepayments, allocations, attachments) is one
more row here; until then its path answers as an unknown one does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from connectors.xero.sandbox.books import contacts, document_lists, documents, payments, settings
from connectors.xero.sandbox.books.call import Call, Listing, Outcome
from connectors.xero.sandbox.reading import Element
from connectors.xero.sandbox.wire import Json


class Write(Protocol):
    """Carry out one posted element. Raises NotFound, Malformed."""

    def __call__(self, call: Call, element: Element, *, create: bool, path_id: str = "") -> Outcome: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One row. `name` is the key of the elements; a method that is None answers 501."""

    name: str
    scope: str
    # The broad scope of older apps.
    old_scope: str
    listing: Callable[[Call], Listing]
    one: Callable[[Call, str], Json] | None = None
    put: Write | None = None
    post: Write | None = None
    delete: Callable[[Call, str], Outcome] | None = None
    # One object per call.
    single: bool = False


def _contact(call: Call, element: Element, *, create: bool, path_id: str = "") -> Outcome:
    if path_id:
        element = _with_id(element, "ContactID", contacts.one(call, path_id)["ContactID"])
    return contacts.write(call, element, create=create)


def _with_id(element: Element, name: str, value: str) -> Element:
    return Element({**element.values(), name.lower(): value}, element.path)


_TRANSACTIONS: Final = "accounting.transactions"
_ORGANISATION: Final = Resource(
    name="Organisations",
    scope="accounting.settings",
    old_scope="accounting.settings",
    listing=settings.organisation,
)

RESOURCES: Final[Mapping[str, Resource]] = {
    "organisation": _ORGANISATION,
    "organisations": _ORGANISATION,
    "organisation/actions": Resource(
        name="Actions", scope="accounting.settings", old_scope="accounting.settings", listing=settings.actions
    ),
    "accounts": Resource(
        name="Accounts",
        scope="accounting.settings",
        old_scope="accounting.settings",
        listing=settings.accounts,
        one=settings.account,
        put=settings.account_write,
        post=settings.account_write,
        delete=settings.account_delete,
        single=True,
    ),
    "taxrates": Resource(
        name="TaxRates",
        scope="accounting.settings",
        old_scope="accounting.settings",
        listing=settings.tax_rates,
        one=settings.tax_rate,
        put=settings.tax_rate_write,
        post=settings.tax_rate_write,
        single=True,
    ),
    "currencies": Resource(
        name="Currencies",
        scope="accounting.settings",
        old_scope="accounting.settings",
        listing=settings.currencies,
        put=settings.currency_write,
        single=True,
    ),
    "contacts": Resource(
        name="Contacts",
        scope="accounting.contacts",
        old_scope="accounting.contacts",
        listing=contacts.listing,
        one=contacts.one,
        put=_contact,
        post=_contact,
    ),
    "invoices": Resource(
        name="Invoices",
        scope="accounting.invoices",
        old_scope=_TRANSACTIONS,
        listing=document_lists.invoices,
        one=document_lists.invoice,
        put=documents.invoice_write,
        post=documents.invoice_write,
    ),
    "creditnotes": Resource(
        name="CreditNotes",
        scope="accounting.invoices",
        old_scope=_TRANSACTIONS,
        listing=document_lists.credit_notes,
        one=document_lists.credit_note,
        put=documents.credit_note_write,
        post=documents.credit_note_write,
    ),
    "payments": Resource(
        name="Payments",
        scope="accounting.payments",
        old_scope=_TRANSACTIONS,
        listing=payments.listing,
        one=payments.one,
        put=payments.write,
        post=payments.write,
    ),
}
