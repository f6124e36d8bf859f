"""Payments of invoices and bills, refunds of credit notes, and their deletion."""

from datetime import date
from decimal import Decimal
from typing import Final

import msgspec

from connectors.xero.sandbox.books import document_rules, document_wire
from connectors.xero.sandbox.books.call import Call, Listing, Outcome
from connectors.xero.sandbox.books.documents import settled
from connectors.xero.sandbox.books.records import Account, Document, DocumentType, Payment, PaymentType
from connectors.xero.sandbox.books.tables import Book, Table
from connectors.xero.sandbox.filters import Getter
from connectors.xero.sandbox.listing import Listed, select
from connectors.xero.sandbox.problems import NotFound
from connectors.xero.sandbox.reading import Element
from connectors.xero.sandbox.totals import ZERO, unit_rounded
from connectors.xero.sandbox.wire import ZERO_ID, Json, date_text, moment_text
from schemas.money import EXACT

_TYPES: Final[dict[DocumentType, PaymentType]] = {
    "ACCREC": "ACCRECPAYMENT",
    "ACCPAY": "ACCPAYPAYMENT",
    "ACCRECCREDIT": "ARCREDITPAYMENT",
    "ACCPAYCREDIT": "APCREDITPAYMENT",
}
_EXCEEDS: Final = "Payment amount exceeds the amount outstanding on this document"
_NOT_APPROVED: Final = "Payments can only be made against Authorised documents"


def listing(call: Call) -> Listing:
    """GET /Payments."""
    ids = call.words("IDs")
    rows = call.book.payments
    found = list(rows.rows.values()) if ids is None else [row for row_id in ids if (row := rows.get(row_id))]
    page = select(call, found, _listed(call.book))
    return Listing([render(call, row) for row in page.rows], page.pagination)


def one(call: Call, key: str) -> Json:
    """GET /Payments/{PaymentID}. Raises NotFound."""
    payment = call.book.payments.get(key)
    if payment is None:
        raise NotFound(key)
    return render(call, payment)


def write(call: Call, element: Element, *, create: bool, path_id: str = "") -> Outcome:
    """PUT or POST /Payments makes one; POST /Payments/{id} with Status DELETED takes it back. Nothing edits one.

    Raises NotFound for an unknown `path_id`.
    """
    payment_id = path_id or ("" if create else element.text("PaymentID") or "")
    if payment_id and payment_id != ZERO_ID:
        payment = call.book.payments.get(payment_id)
        if payment is None:
            raise NotFound(payment_id)
        return _change(call, payment, element)
    return _make(call, element)


def render(call: Call, payment: Payment) -> Json:
    """The wire form, with the document it pays and the account."""
    answer = _fields(payment)
    account = call.book.accounts.get(payment.account_id)
    answer["Account"] = {} if account is None else {"AccountID": account.account_id, "Code": account.code}
    document = call.book.document(payment.document_id)
    if document is not None and account is not None and document.currency != (account.currency or document.currency):
        # The bank's own currency, by the payment's rate.
        answer["BankAmount"] = unit_rounded(EXACT.divide(payment.amount, payment.rate), 2)
    if document is not None:
        answer["CreditNote" if payment.of_credit else "Invoice"] = document_wire.embedded(call, document)
    return answer


def apply(call: Call, document: Document, amount: Decimal, payment_id: str, day: date, *, removed: bool) -> Document:
    """The document after a payment of `amount` was made, or `removed`."""
    ids = tuple(known for known in document.payment_ids if known != payment_id)
    paid = document.amount_paid + (-amount if removed else amount)
    changed = msgspec.structs.replace(
        document, amount_paid=paid, payment_ids=ids if removed else (*ids, payment_id), updated=call.now
    )
    changed = settled(changed, day)
    call.book.put_document(changed)
    return changed


def _make(call: Call, element: Element) -> Outcome:
    document, account, errors = _parties(call, element)
    amount = element.number("Amount")
    day = element.day("Date") or call.today()
    payment = Payment(
        payment_id=ZERO_ID,
        type=_TYPES[document.type] if document else "ACCRECPAYMENT",
        document_id=document.document_id if document else "",
        account_id=account.account_id if account else "",
        day=day,
        amount=unit_rounded(amount or ZERO, 2),
        rate=element.number("CurrencyRate") or (document.rate if document else Decimal(1)),
        updated=call.now,
        reference=element.text("Reference") or "",
        reconciled=element.flag("IsReconciled") or False,
        by_client=call.client_id,
    )
    if payment.amount <= 0:
        errors.append("Payment amount must be greater than zero")
    if document is not None:
        errors += _document_errors(document, payment)
    if call.switches.lock_date_for_payments:
        errors += document_rules.locked(call.book.organisation, day, "payment")
    if errors:
        return Outcome(render(call, payment) | {"HasValidationErrors": True}, tuple(errors))
    payment = msgspec.structs.replace(payment, payment_id=call.new_id())
    call.book.put(call.book.payments, payment)
    assert document is not None
    apply(call, document, payment.amount, payment.payment_id, day, removed=False)
    return Outcome(render(call, payment))


def _document_errors(document: Document, payment: Payment) -> list[str]:
    errors = [_EXCEEDS] if payment.amount > document.amount_due else []
    if document.status != "AUTHORISED":
        errors.append(_NOT_APPROVED)
    return errors


def _change(call: Call, payment: Payment, element: Element) -> Outcome:
    status = element.word("Status", ("AUTHORISED", "DELETED"), "PaymentStatus")
    errors = []
    if status != "DELETED":
        errors.append("Payments cannot be edited: a payment can only be deleted, by Status DELETED")
    elif payment.status == "DELETED":
        errors.append("This payment has already been deleted")
    elif payment.reconciled:
        errors.append("This payment has been reconciled and cannot be deleted")
    elif call.switches.lock_date_for_payments:
        errors += document_rules.locked(call.book.organisation, payment.day, "payment")
    if errors:
        echo = render(call, payment) | {"Status": status or payment.status, "HasValidationErrors": True}
        return Outcome(echo, tuple(errors))
    deleted = msgspec.structs.replace(payment, status="DELETED", updated=call.now)
    call.book.put(call.book.payments, deleted)
    document = call.book.document(payment.document_id)
    if document is not None:
        apply(call, document, payment.amount, payment.payment_id, payment.day, removed=True)
    return Outcome(render(call, deleted))


def _parties(call: Call, element: Element) -> tuple[Document | None, Account | None, list[str]]:
    """The one document and the account, each by id or by number, and what is wrong with them."""
    errors: list[str] = []
    named = [name for name in ("Invoice", "CreditNote", "Prepayment", "Overpayment") if element.has(name)]
    named += [name for name in ("InvoiceNumber", "CreditNoteNumber") if element.has(name) and name[:-6] not in named]
    if len(named) != 1:
        errors.append("You must specify exactly one of Invoice, CreditNote, Prepayment or Overpayment")
    document = _document(call.book, element, named[0]) if len(named) == 1 else None
    if len(named) == 1 and document is None:
        noun = "Credit Note" if named[0].startswith("CreditNote") else named[0].removesuffix("Number")
        errors.append(f"{noun} could not be found")
    account = _account(call.book, element)
    if account is None:
        errors.append("Account could not be found.")
    elif account.status != "ACTIVE" or not (account.type == "BANK" or account.enable_payments):
        errors.append(f"Account code '{account.code}' is not a valid account for payments.")
    return document, account, errors


def _document(book: Book, element: Element, name: str) -> Document | None:
    is_credit = name.startswith("CreditNote")
    rows = book.credit_notes if is_credit else book.invoices
    noun = "CreditNote" if is_credit else "Invoice"
    if name.endswith("Number"):
        return _numbered(rows, element.text(name))
    child = element.child(name)
    if child is None or name not in ("Invoice", "CreditNote"):
        return None
    document_id, number = child.text(f"{noun}ID"), child.text(f"{noun}Number")
    if document_id:
        return rows.get(document_id)
    return _numbered(rows, number)


def _numbered(rows: Table[Document], number: str | None) -> Document | None:
    return (rows.find("number", number) or rows.find("any_number", number)) if number else None


def _account(book: Book, element: Element) -> Account | None:
    child = element.child("Account")
    if child is None:
        code = element.text("Code")
        return book.accounts.find("code", code) if code else None
    account_id, code = child.text("AccountID"), child.text("Code")
    if account_id:
        return book.accounts.get(account_id)
    return book.accounts.find("code", code) if code else None


def _fields(payment: Payment) -> Json:
    return {
        "PaymentID": payment.payment_id,
        "Date": date_text(payment.day),
        "BankAmount": payment.amount,
        "Amount": payment.amount,
        "Reference": payment.reference,
        "CurrencyRate": payment.rate,
        "PaymentType": payment.type,
        "Status": payment.status,
        "UpdatedDateUTC": moment_text(payment.updated),
        "UpdatedDateUTCString": payment.updated.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "HasAccount": bool(payment.account_id),
        "IsReconciled": payment.reconciled,
        "HasValidationErrors": False,
    }


def _listed(book: Book) -> Listed[Payment]:
    def of_document(name: str) -> Getter[Payment]:
        def get(row: Payment) -> object:
            document = book.document(row.document_id)
            return getattr(document, name) if document else None

        return get

    return Listed(
        fields={
            "paymentid": lambda row: row.payment_id,
            "paymenttype": lambda row: row.type,
            "status": lambda row: row.status,
            "date": lambda row: row.day,
            "amount": lambda row: row.amount,
            "reference": lambda row: row.reference,
            "isreconciled": lambda row: row.reconciled,
            "updateddateutc": lambda row: row.updated,
            "account.accountid": lambda row: row.account_id,
            "invoice.invoiceid": lambda row: None if row.of_credit else row.document_id,
            "creditnote.creditnoteid": lambda row: row.document_id if row.of_credit else None,
            "invoice.invoicenumber": of_document("number"),
            "creditnote.creditnotenumber": of_document("number"),
            "invoice.contact.contactid": of_document("contact_id"),
        },
        id_of=lambda row: row.payment_id,
        updated=lambda row: row.updated,
    )
