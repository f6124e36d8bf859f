"""Reading invoices and credit notes: filters, number and id lists, search."""

from collections.abc import Iterable
from typing import Any, Final

from connectors.xero.sandbox.books import document_wire
from connectors.xero.sandbox.books.call import Call, Listing
from connectors.xero.sandbox.books.kinds import CREDIT_NOTE, INVOICE, Kind
from connectors.xero.sandbox.books.records import Document
from connectors.xero.sandbox.books.tables import Book
from connectors.xero.sandbox.filters import Getter, fold
from connectors.xero.sandbox.listing import Listed, select
from connectors.xero.sandbox.problems import NotFound
from connectors.xero.sandbox.wire import Json


def _listed(kind: Kind, book: Book) -> Listed[Document]:
    def of_contact(name: str) -> Getter[Document]:
        def get(row: Document) -> Any:
            contact = book.contacts.get(row.contact_id)
            return contact.fields.get(name) if contact else None

        return get

    return Listed(
        fields={
            **_FIELDS,
            kind.id_key.lower(): lambda row: row.document_id,
            kind.number_key.lower(): lambda row: row.number,
            "contact.name": of_contact("Name"),
            "contact.contactnumber": of_contact("ContactNumber"),
            "contact.emailaddress": of_contact("EmailAddress"),
        },
        id_of=lambda row: row.document_id,
        updated=lambda row: row.updated,
    )


_FIELDS: Final[dict[str, Getter[Document]]] = {
    "type": lambda row: row.type,
    "status": lambda row: row.status,
    "reference": lambda row: row.reference,
    "date": lambda row: row.day,
    "duedate": lambda row: row.due,
    "total": lambda row: row.total,
    "subtotal": lambda row: row.sub_total,
    "totaltax": lambda row: row.total_tax,
    "amountdue": lambda row: row.amount_due,
    "amountpaid": lambda row: row.amount_paid,
    "remainingcredit": lambda row: row.amount_due,
    "currencycode": lambda row: row.currency,
    "currencyrate": lambda row: row.rate,
    "url": lambda row: row.url,
    "senttocontact": lambda row: row.sent_to_contact,
    "fullypaidondate": lambda row: row.fully_paid_on,
    "hasattachments": lambda row: False,
    "updateddateutc": lambda row: row.updated,
    "contact.contactid": lambda row: row.contact_id,
}


def invoices(call: Call) -> Listing:
    """GET /Invoices."""
    return _list(call, INVOICE)


def credit_notes(call: Call) -> Listing:
    """GET /CreditNotes."""
    return _list(call, CREDIT_NOTE)


def invoice(call: Call, key: str) -> Json:
    """GET /Invoices/{InvoiceID or InvoiceNumber}. Raises NotFound."""
    return _one(call, INVOICE, key)


def credit_note(call: Call, key: str) -> Json:
    """GET /CreditNotes/{CreditNoteID or CreditNoteNumber}. Raises NotFound."""
    return _one(call, CREDIT_NOTE, key)


def _one(call: Call, kind: Kind, key: str) -> Json:
    rows = kind.rows(call)
    document = rows.get(key) or rows.find("number", key) or rows.find("any_number", key)
    if document is None:
        raise NotFound(key)
    return document_wire.render(call, document)


def _list(call: Call, kind: Kind) -> Listing:
    page = select(call, _asked(call, kind), _listed(kind, call.book))
    is_summary = call.flag("summaryOnly")
    elements = [document_wire.render(call, row, thin=page.thin, summary=is_summary) for row in page.rows]
    return Listing(elements, page.pagination)


def _asked(call: Call, kind: Kind) -> Iterable[Document]:
    """What the list parameters leave: by index where there is one, since books grow to many thousands."""
    rows = kind.rows(call)
    ids, numbers = call.words("IDs"), call.words(f"{kind.number_key}s")
    found: list[Document]
    if ids is not None:
        found = [row for row_id in ids if (row := rows.get(row_id))]
    elif numbers is not None:
        wanted_numbers = dict.fromkeys(number.lower() for number in numbers)
        found = [row for number in wanted_numbers for row in rows.find_all("any_number", number)]
    else:
        found = list(rows.rows.values())
    contact_ids, statuses = call.words("ContactIDs"), call.words("Statuses")
    if contact_ids is not None:
        wanted = {contact_id.lower() for contact_id in contact_ids}
        found = [row for row in found if row.contact_id in wanted]
    if statuses is not None:
        states = {status.upper() for status in statuses}
        found = [row for row in found if row.status in states]
    if call.flag("createdByMyApp"):
        found = [row for row in found if row.by_client == call.client_id]
    term = fold(call.query.get("searchterm", ""))
    if term:
        found = [row for row in found if term in fold(row.number) or term in fold(row.reference)]
    return found
