"""What Xero refuses about a document: state machine, numbers, lock dates, edits of paid documents."""

from datetime import date
from typing import Final

from connectors.xero.sandbox.books import lines
from connectors.xero.sandbox.books.call import Call
from connectors.xero.sandbox.books.kinds import Kind
from connectors.xero.sandbox.books.records import Contact, Document, DocumentStatus, Organisation

# From each status, the ones that a call may ask for. PAID is reached by payments alone.
TRANSITIONS: Final[dict[DocumentStatus, frozenset[DocumentStatus]]] = {
    "DRAFT": frozenset(("DRAFT", "SUBMITTED", "AUTHORISED", "DELETED")),
    "SUBMITTED": frozenset(("SUBMITTED", "AUTHORISED", "DRAFT", "DELETED")),
    "AUTHORISED": frozenset(("AUTHORISED", "VOIDED")),
    "PAID": frozenset(),
    "VOIDED": frozenset(),
    "DELETED": frozenset(),
}
_INITIAL: Final = frozenset(("DRAFT", "SUBMITTED", "AUTHORISED"))
_REFERENCE_MAX: Final = 255
_VOID_WITH_PAYMENTS: Final = (
    "The status VOIDED cannot be applied to the invoice because it has payments or credit notes allocated to it."
)
PAID_EDIT: Final = "This document cannot be edited as it has a payment or credit note allocated to it."


def errors_of(
    call: Call,
    kind: Kind,
    existing: Document | None,
    candidate: Document,
    contact: Contact | None,
    status: DocumentStatus | None,
) -> list[str]:
    """Everything that is wrong with the candidate; empty when it may be kept."""
    refused = _status_errors(kind, existing, status)
    if refused:
        return refused
    errors = _number_errors(call, kind, existing, candidate)
    if existing is not None and (existing.payment_ids or existing.status == "PAID"):
        errors += paid_edit_errors(existing, candidate)
    elif candidate.status not in ("VOIDED", "DELETED"):
        errors += _content_errors(call, existing, candidate, contact)
    errors += _lock_errors(call, existing, candidate)
    return errors


def paid_edit_errors(existing: Document, candidate: Document) -> list[str]:
    """What may change once there is a payment: on sales invoices the header's texts and a line's wording, else nothing.

    Xero lists Reference, DueDate, InvoiceNumber, BrandingThemeID, Contact, Url, and of lines Description, AccountCode
    and Tracking.
    """
    if existing.type != "ACCREC" or _fixed(existing) != _fixed(candidate):
        return [PAID_EDIT]
    return []


def lock_date(organisation: Organisation) -> tuple[date, str] | None:
    """The last day on which nothing may be posted, with its name; an Adviser is bound by the year's alone."""
    dates = [(organisation.end_of_year_lock_date, "end of year lock date")]
    if not organisation.adviser:
        dates.append((organisation.period_lock_date, "period lock date"))
    set_dates = [(day, name) for day, name in dates if day is not None]
    return max(set_dates) if set_dates else None


def locked(organisation: Organisation, day: date, what: str = "document") -> list[str]:
    """The refusal of a posting on `day`, if it lies in a locked period."""
    lock = lock_date(organisation)
    if lock is None or day > lock[0]:
        return []
    return [f"The {what} date cannot be before the {lock[1]}, currently set at {lock[0]:%d %B %Y}"]


def _fixed(document: Document) -> tuple[object, ...]:
    return (
        document.day,
        document.currency,
        document.line_amount_types,
        document.total,
        document.total_tax,
        [
            (line.line_item_id, line.quantity, line.unit_amount, line.tax_type, line.tax_amount, line.line_amount)
            for line in document.lines
        ],
    )


def _status_errors(kind: Kind, existing: Document | None, status: DocumentStatus | None) -> list[str]:
    refusal = f"{kind.noun} not of valid status for modification"
    if existing is None:
        return [] if status is None or status in _INITIAL else [refusal]
    if existing.status in ("VOIDED", "DELETED"):
        return [refusal]
    if status is None:
        return []
    if status == "VOIDED" and existing.payment_ids:
        return [_VOID_WITH_PAYMENTS, PAID_EDIT]
    return [] if status in TRANSITIONS[existing.status] else [refusal]


def _number_errors(call: Call, kind: Kind, existing: Document | None, candidate: Document) -> list[str]:
    errors = []
    for name, text in ((kind.number_key, candidate.number), ("Reference", candidate.reference)):
        if len(text) > _REFERENCE_MAX:
            errors.append(f"The length of {name} cannot exceed {_REFERENCE_MAX} characters.")
    if not candidate.number or not candidate.sales:
        return errors
    if candidate.is_credit and not call.switches.credit_note_numbers_unique:
        return errors
    holder = kind.rows(call).find("number", candidate.number)
    is_other = holder is not None and (existing is None or holder.document_id != existing.document_id)
    is_free = holder is not None and holder.status in ("VOIDED", "DELETED") and call.switches.number_reusable_after_void
    if is_other and not is_free:
        errors.append(f"{kind.noun} # must be unique.")
    return errors


def _content_errors(call: Call, existing: Document | None, candidate: Document, contact: Contact | None) -> list[str]:
    errors = []
    is_posting = candidate.status in ("AUTHORISED", "SUBMITTED", "PAID")
    if contact is not None and contact.status != "ACTIVE" and (existing is None or is_posting):
        errors.append(
            "The contact with the specified contact details has been archived. "
            "The contact must be un-archived before creating new invoices or credit notes."
        )
    if call.book.currencies.get(candidate.currency) is None:
        errors.append(f"Organisation is not subscribed to currency {candidate.currency}")
    if is_posting and not candidate.lines:
        errors.append("One or more line items must be specified")
    if candidate.total < 0:
        errors.append("The document total cannot be less than zero")
    if is_posting and candidate.due is None and call.switches.due_date_required and not candidate.is_credit:
        errors.append("Due Date cannot be empty")
    if candidate.sent_to_contact and candidate.status not in ("AUTHORISED", "PAID"):
        errors.append("SentToContact can only be set on approved invoices")
    return errors + lines.account_errors(call.book, candidate)


def _lock_errors(call: Call, existing: Document | None, candidate: Document) -> list[str]:
    """Only what posts journals is bound: approving, changing or voiding an approved document."""
    posted = existing is not None and existing.status in ("AUTHORISED", "PAID")
    if posted and existing is not None:
        return locked(call.book.organisation, min(existing.day, candidate.day))
    return locked(call.book.organisation, candidate.day) if candidate.status == "AUTHORISED" else []
