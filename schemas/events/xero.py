"""What changed in Xero, told in our words."""

from typing import Literal

from schemas.events.fields import Amount, Contract, Currency, Identifier, Instant, Name

XeroStatus = Literal["DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED", "DELETED"]


class InvoiceStatusChanged(Contract, frozen=True, kw_only=True):
    """An invoice has another status than before."""

    invoice_id: Identifier
    number: Name
    status: XeroStatus
    changed_at: Instant
    previous_status: XeroStatus | None = None
    amount_due: Amount | None = None
    currency: Currency | None = None


class CreditNoteChanged(Contract, frozen=True, kw_only=True):
    """A credit note has another status than before."""

    credit_note_id: Identifier
    number: Name
    status: XeroStatus
    changed_at: Instant
    previous_status: XeroStatus | None = None


class XeroContactChanged(Contract, frozen=True, kw_only=True):
    """A contact was changed, archived or merged in Xero."""

    contact_id: Identifier
    name: Name
    status: Literal["ACTIVE", "ARCHIVED"]
    changed_at: Instant
    merged_to: Identifier | None = None
