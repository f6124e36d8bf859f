"""What changed in Xero, told in our words: once per change, in the order of each document.

`by` says whose doing it was as far as Xero shows it: `us` for what a write of ours did and nothing else, `others` for a
person's edit, a payment, or the clock.
"""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.events.fields import Amount, Contract, Currency, Identifier, Instant, Name, ShortText

XeroStatus = Literal["DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED", "DELETED"]
By = Literal["us", "others"]
InvoiceChange = Literal[
    "created",
    "status",
    "sent",
    "part_paid",
    "paid",
    "payment_removed",
    "credited",
    "overdue",
    "voided",
    "deleted",
    "edited",
]
CreditNoteChange = Literal["created", "status", "allocated", "voided", "deleted", "edited"]
ContactChange = Literal["created", "archived", "restored", "merged", "edited"]


class FieldChange(Contract, frozen=True, kw_only=True):
    """One field by Xero's name, as it was and as it is. Lists and objects are their JSON, shortened."""

    field: Name
    before: Annotated[str, Meta(max_length=4000)] | None = None
    after: Annotated[str, Meta(max_length=4000)] | None = None


class InvoiceStatusChanged(Contract, frozen=True, kw_only=True):
    """An invoice is not as it was. `effect` is our key of what it stands for (`shop-1:order:1001#invoice`), None for
    one that we did not make. `changed_at` is Xero's time of the change, or ours for what the clock did."""

    invoice_id: Identifier
    number: ShortText
    tenant: Identifier
    status: XeroStatus
    changed_at: Instant
    changes: Annotated[tuple[InvoiceChange, ...], Meta(min_length=1)]
    by: By
    previous_status: XeroStatus | None = None
    total: Amount | None = None
    amount_due: Amount | None = None
    amount_paid: Amount | None = None
    amount_credited: Amount | None = None
    currency: Currency | None = None
    contact_id: Identifier | None = None
    effect: ShortText | None = None
    fields: tuple[FieldChange, ...] = ()


class CreditNoteChanged(Contract, frozen=True, kw_only=True):
    """A credit note is not as it was; see InvoiceStatusChanged."""

    credit_note_id: Identifier
    number: ShortText
    tenant: Identifier
    status: XeroStatus
    changed_at: Instant
    changes: Annotated[tuple[CreditNoteChange, ...], Meta(min_length=1)]
    by: By
    previous_status: XeroStatus | None = None
    total: Amount | None = None
    remaining: Amount | None = None
    currency: Currency | None = None
    contact_id: Identifier | None = None
    effect: ShortText | None = None
    fields: tuple[FieldChange, ...] = ()


class XeroContactChanged(Contract, frozen=True, kw_only=True):
    """A contact was made, edited, archived, or merged into `merged_to`."""

    contact_id: Identifier
    name: Name
    tenant: Identifier
    status: Literal["ACTIVE", "ARCHIVED", "GDPRREQUEST"]
    changed_at: Instant
    changes: Annotated[tuple[ContactChange, ...], Meta(min_length=1)]
    by: By
    number: ShortText | None = None
    email: ShortText | None = None
    merged_to: Identifier | None = None
    effect: ShortText | None = None
    fields: tuple[FieldChange, ...] = ()
