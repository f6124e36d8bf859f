"""Invoices and credit notes in wire form: what a write answers, what a read shows, what another resource embeds."""

from typing import Final

from connectors.xero.sandbox.books import contacts, lines
from connectors.xero.sandbox.books.call import Call
from connectors.xero.sandbox.books.records import Contact, Document, Payment
from connectors.xero.sandbox.totals import ZERO
from connectors.xero.sandbox.wire import ZERO_ID, Json, date_text, day_string, moment_text

_THEME: Final = "dabc7637-62c1-4941-8a6e-ee44fa5090e7"


def write_answer(call: Call, document: Document, contact: Contact | None) -> Json:
    """What PUT and POST answer for one document: without HasAttachments; invoices also without payments and credits."""
    answer = _head(document) | _body(call, document, contact)
    if document.is_credit:
        answer["Allocations"] = []
        answer["RemainingCredit"] = document.amount_due
    else:
        answer["Prepayments"] = []
        answer["Overpayments"] = []
    answer["LineItems"] = [lines.render(line, call.unitdp) for line in document.lines]
    return answer


def render(call: Call, document: Document, *, thin: bool = False, summary: bool = False) -> Json:
    """What a read shows. `thin` lists have no lines; `summary` leaves out whole keys."""
    contact = call.book.contacts.get(document.contact_id)
    answer = _head(document) | _body(call, document, contact, thin=thin)
    if document.is_credit:
        answer["RemainingCredit"] = document.amount_due
        answer["Allocations"] = []
    else:
        answer["AmountCredited"] = ZERO
        answer["Prepayments"] = []
        answer["Overpayments"] = []
        answer["CreditNotes"] = []
    if summary:
        return answer
    answer["HasAttachments"] = False
    answer["Payments"] = [
        _embedded_payment(payment)
        for payment_id in document.payment_ids
        if (payment := call.book.payments.get(payment_id))
    ]
    answer["LineItems"] = [] if thin else [lines.render(line, call.unitdp) for line in document.lines]
    return answer


def embedded(call: Call, document: Document) -> Json:
    """A document inside a payment: who it is, without its lines."""
    contact = call.book.contacts.get(document.contact_id)
    answer = _head(document)
    answer["Contact"] = {} if contact is None else contacts.embedded(contact, thin=True)
    answer["CurrencyCode"] = document.currency
    answer["LineItems"] = []
    answer["HasErrors"] = False
    if not document.is_credit:
        answer["IsDiscounted"] = document.discount != 0
        answer["Payments"] = answer["CreditNotes"] = answer["Prepayments"] = answer["Overpayments"] = []
    return answer


def _head(document: Document) -> Json:
    names = ("CreditNoteID", "CreditNoteNumber") if document.is_credit else ("InvoiceID", "InvoiceNumber")
    return {"Type": document.type, names[0]: document.document_id or ZERO_ID, names[1]: document.number}


def _body(call: Call, document: Document, contact: Contact | None, *, thin: bool = False) -> Json:
    answer: Json = {
        "Reference": document.reference,
        "CurrencyRate": document.rate,
        "CurrencyCode": document.currency,
        "HasErrors": False,
        "Contact": {"ContactID": ZERO_ID} if contact is None else contacts.embedded(contact, thin=thin),
        "DateString": day_string(document.day),
        "Date": date_text(document.day),
        "Status": document.status,
        "LineAmountTypes": document.line_amount_types,
        "SubTotal": document.sub_total,
        "TotalTax": document.total_tax,
        "Total": document.total,
        "UpdatedDateUTC": moment_text(document.updated),
        "UpdatedDateUTCString": document.updated.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if not document.is_credit:
        answer["AmountDue"] = document.amount_due
        answer["AmountPaid"] = document.amount_paid
        answer["IsDiscounted"] = document.discount != 0
    if document.sales:
        answer["SentToContact"] = document.sent_to_contact
        answer["BrandingThemeID"] = document.branding_theme_id or _THEME
    if document.due is not None:
        answer["DueDateString"] = day_string(document.due)
        answer["DueDate"] = date_text(document.due)
    if document.discount:
        answer["TotalDiscount"] = document.discount
    if document.url:
        answer["Url"] = document.url
    if document.expected_payment is not None:
        answer["ExpectedPaymentDate"] = date_text(document.expected_payment)
    if document.fully_paid_on is not None:
        answer["FullyPaidOnDate"] = date_text(document.fully_paid_on)
    return answer


def _embedded_payment(payment: Payment) -> Json:
    return {
        "PaymentID": payment.payment_id,
        "Date": date_text(payment.day),
        "Amount": payment.amount,
        "Reference": payment.reference,
        "CurrencyRate": payment.rate,
        "HasAccount": True,
        "HasValidationErrors": False,
    }
