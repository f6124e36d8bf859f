"""Invoices, bills and credit notes: reading an element into a candidate, then judging, then keeping it."""

from datetime import date
from decimal import Decimal
from typing import Final, get_args

import msgspec

from connectors.xero.sandbox.books import contacts, document_rules, document_wire, lines
from connectors.xero.sandbox.books.call import Call, Outcome, Rejected
from connectors.xero.sandbox.books.kinds import CREDIT_NOTE, INVOICE, Kind
from connectors.xero.sandbox.books.records import Contact, Document, DocumentStatus, Line
from connectors.xero.sandbox.problems import NotFound
from connectors.xero.sandbox.reading import Element
from connectors.xero.sandbox.totals import LineAmountTypes
from connectors.xero.sandbox.wire import ZERO_ID, Json

_STATUSES: Final = get_args(DocumentStatus)
_LINE_AMOUNT_TYPES: Final[tuple[LineAmountTypes, ...]] = get_args(LineAmountTypes)


def write(call: Call, kind: Kind, element: Element, *, create: bool, path_id: str = "") -> Outcome:
    """One element of PUT (create only) or POST (create, or update by id or number).

    `path_id` is the document named in the path; an unknown one raises NotFound.
    """
    try:
        existing, errors = _existing(call, kind, element, create=create, path_id=path_id)
    except Rejected as rejected:
        return Outcome(_bare(kind, element), rejected.errors)
    contact, trouble = _contact(call, element, existing)
    errors += trouble
    status = element.word("Status", _STATUSES, "InvoiceStatus")
    candidate, line_errors = _candidate(call, kind, element, existing, contact)
    if status is not None:
        candidate = msgspec.structs.replace(candidate, status=status)
    errors += line_errors
    errors += document_rules.errors_of(call, kind, existing, candidate, contact, status)
    if errors:
        shown = candidate if existing is None else msgspec.structs.replace(candidate, document_id=existing.document_id)
        wire = document_wire.write_answer(call, shown, contact)
        return Outcome(wire | {"HasErrors": True}, tuple(dict.fromkeys(errors)))
    kept = _keep(call, kind, existing, candidate, contact)
    return Outcome(document_wire.write_answer(call, kept, call.book.contacts.get(kept.contact_id)))


def _bare(kind: Kind, element: Element) -> Json:
    """The echo of an element of which not even the document or its type is known."""
    echo: Json = {kind.id_key: ZERO_ID, kind.number_key: element.text(kind.number_key) or "", "HasErrors": True}
    status = element.word("Status", _STATUSES, "InvoiceStatus")
    return echo | ({"Status": status} if status else {})


def _keep(call: Call, kind: Kind, existing: Document | None, candidate: Document, contact: Contact | None) -> Document:
    """Give ids and a number, settle the status, and put it into the books."""
    number = candidate.number
    if not number and candidate.sales:
        number = call.book.next_number(kind.prefix, kind.rows(call))
    kept = msgspec.structs.replace(
        candidate,
        document_id=call.new_id() if existing is None else existing.document_id,
        number=number,
        lines=lines.with_ids(call, candidate.lines),
        updated=call.now,
    )
    kept = settled(kept, kept.day)
    if existing is not None and is_silent(existing, kept):
        kept = msgspec.structs.replace(kept, updated=existing.updated)
    call.book.put_document(kept)
    if contact is not None:
        _mark_role(call, contact, kept)
    return kept


def is_silent(existing: Document, kept: Document) -> bool:
    """Whether If-Modified-Since misses the change: of a part-paid document, due date and sending make no journal."""
    same = msgspec.structs.replace(
        kept, due=existing.due, sent_to_contact=existing.sent_to_contact, updated=existing.updated
    )
    return bool(existing.payment_ids) and same == existing


def settled(document: Document, day: date) -> Document:
    """The status that the amounts give an approved document: PAID when nothing is due, AUTHORISED otherwise."""
    if document.status not in ("AUTHORISED", "PAID"):
        return document
    if document.total == document.amount_paid:
        return msgspec.structs.replace(document, status="PAID", fully_paid_on=document.fully_paid_on or day)
    return msgspec.structs.replace(document, status="AUTHORISED", fully_paid_on=None)


def _mark_role(call: Call, contact: Contact, document: Document) -> None:
    """A contact with a document is a customer or supplier; that is no change that If-Modified-Since would show."""
    role = "is_customer" if document.sales else "is_supplier"
    current = call.book.contacts.get(contact.contact_id)
    if current is not None and not getattr(current, role):
        changed = (
            msgspec.structs.replace(current, is_customer=True)
            if document.sales
            else msgspec.structs.replace(current, is_supplier=True)
        )
        call.book.put(call.book.contacts, changed)


def _existing(
    call: Call, kind: Kind, element: Element, *, create: bool, path_id: str
) -> tuple[Document | None, list[str]]:
    """The document that is meant, and what is wrong with naming it so. Raises NotFound, Rejected."""
    rows = kind.rows(call)
    if path_id:
        found = rows.get(path_id) or rows.find("any_number", path_id)
        if found is None:
            raise NotFound(path_id)
        return found, []
    document_id = element.text(kind.id_key)
    if document_id and document_id != ZERO_ID:
        found = rows.get(document_id)
        if found is None:
            raise Rejected(f"An existing {kind.noun} with the specified {kind.id_key} could not be found")
        return found, [f"{kind.noun} # must be unique."] if create else []
    number = element.text(kind.number_key)
    is_sales = (element.text("Type") or "").upper() != kind.types[1]
    # A duplicate number of a create is refused by the rules, where the candidate can be echoed.
    found = rows.find("number", number) if number and is_sales and not create else None
    if found is not None and found.status in ("VOIDED", "DELETED") and call.switches.number_reusable_after_void:
        found = None
    if found is None and not element.has("Type"):
        raise Rejected(f"{kind.noun} type must be specified: one of {', '.join(kind.types)}")
    return found, []


def _contact(call: Call, element: Element, existing: Document | None) -> tuple[Contact | None, list[str]]:
    sent = element.child("Contact")
    if sent is None or not sent.names() - contacts.EMPTY_FLAGS:
        if existing is not None:
            return call.book.contacts.get(existing.contact_id), []
        if sent is None:
            return None, ["A Contact must be specified for this type of transaction"]
    assert sent is not None
    try:
        return contacts.resolve(call, sent), []
    except Rejected as rejected:
        return None, list(rejected.errors)


def _candidate(
    call: Call, kind: Kind, element: Element, existing: Document | None, contact: Contact | None
) -> tuple[Document, list[str]]:
    base = existing or _blank(call, kind, element)
    errors: list[str] = []
    sent_type = element.word("Type", kind.types, "InvoiceType")
    if existing is not None and sent_type is not None and sent_type != existing.type:
        errors.append(f"The Type of an existing {kind.noun} cannot be changed.")
    items = element.children("LineItems")
    if items is None:
        read: tuple[Line, ...] = base.lines
    else:
        found = lines.read(call, items, base.lines, sales=base.type == "ACCREC", unitdp=call.unitdp)
        read, errors = found.lines, errors + found.errors
    types = element.word("LineAmountTypes", _LINE_AMOUNT_TYPES, "LineAmountType") or base.line_amount_types
    currency = (element.text("CurrencyCode") or base.currency).upper()
    computed = lines.compute(call, read, types, errors)
    document = msgspec.structs.replace(
        base,
        contact_id=contact.contact_id if contact else base.contact_id,
        day=element.day("Date") or base.day,
        due=element.day("DueDate") or base.due,
        currency=currency,
        rate=_rate(call, element, currency, base),
        number=_text(element, kind.number_key, base.number),
        reference=_text(element, "Reference", base.reference) if base.sales or base.is_credit else "",
        line_amount_types=types,
        lines=computed.lines,
        sub_total=computed.totals.sub_total,
        total_tax=computed.totals.total_tax,
        total=computed.totals.total,
        discount=computed.totals.discount,
        url=_text(element, "Url", base.url),
        branding_theme_id=_text(element, "BrandingThemeID", base.branding_theme_id),
        sent_to_contact=_flag(element, "SentToContact", base.sent_to_contact),
        expected_payment=element.day("ExpectedPaymentDate") or base.expected_payment,
        updated=call.now,
    )
    return document, errors


def _blank(call: Call, kind: Kind, element: Element) -> Document:
    sent_type = element.word("Type", kind.types, "InvoiceType")
    assert sent_type is not None, "_existing has refused elements without a type"
    return Document(
        document_id=ZERO_ID,
        type=sent_type,
        status="DRAFT",
        contact_id="",
        day=call.today(),
        currency=call.book.organisation.base_currency,
        updated=call.now,
        by_client=call.client_id,
    )


def _rate(call: Call, element: Element, currency: str, base: Document) -> Decimal:
    sent = element.number("CurrencyRate")
    if currency == call.book.organisation.base_currency:
        return Decimal(1)
    if sent:
        return sent
    known = call.book.currencies.get(currency)
    return (
        base.rate if base.currency == currency and base.document_id != ZERO_ID else known.rate if known else Decimal(1)
    )


def _text(element: Element, name: str, before: str) -> str:
    value = element.text(name)
    return before if value is None else value.strip()


def _flag(element: Element, name: str, before: bool) -> bool:
    value = element.flag(name)
    return before if value is None else value


def invoice_write(call: Call, element: Element, *, create: bool, path_id: str = "") -> Outcome:
    """PUT or POST /Invoices, one element."""
    return write(call, INVOICE, element, create=create, path_id=path_id)


def credit_note_write(call: Call, element: Element, *, create: bool, path_id: str = "") -> Outcome:
    """PUT or POST /CreditNotes, one element."""
    return write(call, CREDIT_NOTE, element, create=create, path_id=path_id)
