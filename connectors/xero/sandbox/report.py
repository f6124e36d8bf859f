"""The books as plain JSON with decimal strings, for oracles that must not share code with what they check."""

from decimal import Decimal
from typing import Any

from connectors.xero.sandbox.books.records import Document, Payment
from connectors.xero.sandbox.books.tables import Book
from connectors.xero.sandbox.engine import Engine
from connectors.xero.sandbox.wire import Json
from schemas.money import to_text


def plain(value: Any) -> str:
    """JSON for what orjson does not know."""
    if isinstance(value, Decimal):
        return to_text(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def books(book: Book) -> Json:
    """All contacts, invoices, credit notes and payments of one organisation, in the order of their last change."""
    return {
        "tenant_id": book.organisation.tenant_id,
        "currency": book.organisation.base_currency,
        "contacts": [
            {
                "id": contact.contact_id,
                "name": contact.name,
                "number": contact.number,
                "email": contact.fields.get("EmailAddress", ""),
                "status": contact.status,
                "merged_to": contact.merged_to,
            }
            for contact in book.contacts.rows.values()
        ],
        "invoices": [_document(book, document) for document in book.invoices.rows.values()],
        "credit_notes": [_document(book, document) for document in book.credit_notes.rows.values()],
        "payments": [_payment(book, payment) for payment in book.payments.rows.values()],
    }


def organisation(engine: Engine, book: Book) -> Json:
    """One organisation's settings, as the admin surface shows them."""
    row = book.organisation
    return {
        "tenant_id": row.tenant_id,
        "name": row.name,
        "currency": row.base_currency,
        "country": row.country_code,
        "zone": row.zone,
        "short_code": row.short_code,
        "adviser": row.adviser,
        "offline": row.offline,
        "period_lock_date": row.period_lock_date.isoformat() if row.period_lock_date else None,
        "end_of_year_lock_date": row.end_of_year_lock_date.isoformat() if row.end_of_year_lock_date else None,
        "connected": row.tenant_id in engine.oauth.state.connections,
    }


def _document(book: Book, document: Document) -> Json:
    contact = book.contacts.get(document.contact_id)
    return {
        "id": document.document_id,
        "type": document.type,
        "number": document.number,
        "reference": document.reference,
        "url": document.url,
        "status": document.status,
        "contact_id": document.contact_id,
        "contact_name": contact.name if contact else "",
        "date": document.day.isoformat(),
        "due_date": document.due.isoformat() if document.due else None,
        "currency": document.currency,
        "line_amount_types": document.line_amount_types,
        "sub_total": f"{document.sub_total:.2f}",
        "total_tax": f"{document.total_tax:.2f}",
        "total": f"{document.total:.2f}",
        "amount_paid": f"{document.amount_paid:.2f}",
        "amount_due": f"{document.amount_due:.2f}",
        "updated": document.updated.isoformat(),
        "lines": [
            {
                "id": line.line_item_id,
                "description": line.description,
                "quantity": to_text(line.quantity),
                "unit_amount": to_text(line.unit_amount),
                "account_code": line.account_code,
                "tax_type": line.tax_type,
                "tax_amount": f"{line.tax_amount:.2f}",
                "line_amount": f"{line.line_amount:.2f}",
            }
            for line in document.lines
        ],
    }


def _payment(book: Book, payment: Payment) -> Json:
    document, account = book.document(payment.document_id), book.accounts.get(payment.account_id)
    return {
        "id": payment.payment_id,
        "type": payment.type,
        "status": payment.status,
        "document_id": payment.document_id,
        "document_number": document.number if document else "",
        "account_code": account.code if account else "",
        "date": payment.day.isoformat(),
        "amount": f"{payment.amount:.2f}",
        "currency": document.currency if document else "",
        "reference": payment.reference,
        "reconciled": payment.reconciled,
    }
