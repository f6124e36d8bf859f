"""Commands: one effect each that the books must end up with, and the record that carries them to intake.

A command is made by a pure rule from one event alone. Which call to Xero it becomes is decided at planning.
"""

import datetime as dt
from decimal import Decimal
from typing import ClassVar, Literal

import msgspec

from schemas.states import Cause, Stage

PAYLOAD_VERSION = 1


class Payload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """What all payloads share. `full_state`: a newer one replaces an older one; else it is a fact of its own.

    What a payload says by default is not written, here and in its parts: a field that a later release adds must not
    change the digest of what was booked before.
    """

    full_state: ClassVar[bool] = False


class PostalAddress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An address as Xero takes it."""

    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None


class UpsertContact(Payload, frozen=True, kw_only=True, tag="UpsertContact"):
    """A contact that must exist. `ensure`: an existing one is left as it is, so an order never overwrites it.

    `number` is our natural key in Xero's ContactNumber (at most 50 characters), written on create only.
    `alias` is the name to take where another contact already has `name`.
    """

    full_state: ClassVar[bool] = True

    number: str
    name: str
    alias: str
    ensure: bool
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    tax_number: str | None = None
    address: PostalAddress | None = None


class DocumentLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of an invoice or credit note. `discount_amount` is off the whole line; `tax_amount` is what the source
    charged, for the check of G6, and is not sent."""

    description: str
    quantity: Decimal
    unit_amount: Decimal
    account_code: str
    tax_type: str
    discount_amount: Decimal | None = None
    tax_amount: Decimal | None = None


class UpsertInvoice(Payload, frozen=True, kw_only=True, tag="UpsertInvoice"):
    """A sales invoice (ACCREC) as it must stand. `contact` is the effect key of its contact.

    `total` and `total_tax` are what the source says; what Xero would make of the lines must equal them.
    """

    full_state: ClassVar[bool] = True

    number: str
    contact: str
    date: dt.date
    due_date: dt.date
    currency: str
    line_amount_types: Literal["Exclusive", "Inclusive", "NoTax"]
    lines: tuple[DocumentLine, ...]
    total: Decimal
    reference: str
    total_tax: Decimal | None = None
    currency_rate: Decimal | None = None
    status: Literal["DRAFT", "SUBMITTED", "AUTHORISED"] = "AUTHORISED"
    url: str | None = None


class CancelInvoice(Payload, frozen=True, kw_only=True, tag="CancelInvoice"):
    """The invoice must not be owed: voided if nothing was paid on it. `paid`: the source knows that money came, which
    may not be on the invoice yet; then the sale that this cancels is booked first, and a person is asked."""

    full_state: ClassVar[bool] = True

    reason: str | None = None
    paid: bool = False


class UpsertCreditNote(Payload, frozen=True, kw_only=True, tag="UpsertCreditNote"):
    """A credit note to a customer (ACCRECCREDIT) over `total`, for the invoice of effect key `invoice`, or for the one
    that the payment of that effect key has paid.

    Without lines it is spread at planning over the invoice's lines in proportion, so that the tax is mirrored.
    `own_number`: its number where that invoice turns out to be one of the refund's own source.
    """

    full_state: ClassVar[bool] = True

    number: str
    invoice: str
    date: dt.date
    currency: str
    total: Decimal
    reference: str
    line_amount_types: Literal["Exclusive", "Inclusive", "NoTax"] = "Inclusive"
    lines: tuple[DocumentLine, ...] = ()
    currency_rate: Decimal | None = None
    url: str | None = None
    own_number: str | None = None


class RecordPayment(Payload, frozen=True, kw_only=True, tag="RecordPayment"):
    """Money received for the invoice of effect key `invoice`, gross, into the clearing account.

    `told_by_several`: its source tells it by several events, which may be on both sides of midnight.
    """

    invoice: str
    account_code: str
    date: dt.date
    amount: Decimal
    currency: str
    reference: str
    currency_rate: Decimal | None = None
    told_by_several: bool = False


class ReversePayment(Payload, frozen=True, kw_only=True, tag="ReversePayment"):
    """The payment of effect key `payment` came undone, so the invoice is owed again."""

    payment: str
    date: dt.date
    reason: str | None = None


class RecordRefund(Payload, frozen=True, kw_only=True, tag="RecordRefund"):
    """Money paid back out of the clearing account against the credit note of effect key `credit_note`."""

    credit_note: str
    account_code: str
    date: dt.date
    amount: Decimal
    currency: str
    reference: str
    currency_rate: Decimal | None = None


class AllocateCredit(Payload, frozen=True, kw_only=True, tag="AllocateCredit"):
    """Less is owed on the invoice of effect key `invoice`, by so much of the credit note of effect key `credit_note`:
    no money moved."""

    credit_note: str
    invoice: str
    date: dt.date
    amount: Decimal
    currency: str


class BankMoney(Payload, frozen=True, kw_only=True):
    """Money of a clearing account that pays no document of ours. `account_code` is that account, `contact` the effect
    key of the gateway's contact. `total` includes tax; what Xero would make of the lines must equal it."""

    account_code: str
    contact: str
    date: dt.date
    currency: str
    lines: tuple[DocumentLine, ...]
    total: Decimal
    reference: str
    line_amount_types: Literal["Exclusive", "Inclusive", "NoTax"] = "Inclusive"
    currency_rate: Decimal | None = None
    url: str | None = None


class RecordSpend(BankMoney, frozen=True, kw_only=True, tag="RecordSpend"):
    """Spend money: what the gateway kept as its fee, what a dispute took."""


class RecordReceive(BankMoney, frozen=True, kw_only=True, tag="RecordReceive"):
    """Receive money: what the gateway gave back, a dispute that was won."""


class ClearedItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One movement that a payout clears. `effect` is the effect key under which the books have it, or would have it;
    `amount` is what it brought into the clearing account (below zero: took out of it), before its `fee`."""

    effect: str
    kind: str
    amount: Decimal
    fee: Decimal = Decimal(0)


class RecordTransfer(Payload, frozen=True, kw_only=True, tag="RecordTransfer"):
    """A payout: from the clearing account to the bank, or back where the gateway took money. `items`: what it clears,
    as far as the gateway says."""

    from_code: str
    to_code: str
    date: dt.date
    amount: Decimal
    currency: str
    reference: str
    items: tuple[ClearedItem, ...] = ()


AnyPayload = (
    UpsertContact
    | UpsertInvoice
    | CancelInvoice
    | UpsertCreditNote
    | RecordPayment
    | ReversePayment
    | RecordRefund
    | AllocateCredit
    | RecordSpend
    | RecordReceive
    | RecordTransfer
)


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One effect. `tenant` is None where only its dependency knows the organisation; intake then takes it from there.

    `sequence` orders full-state commands of one effect; facts and contacts that are only ensured have none.
    """

    command_id: str
    effect_key: str
    entity_key: str
    tenant: str | None
    payload: AnyPayload
    depends_on: tuple[str, ...] = ()
    sequence: int | None = None
    version: int = PAYLOAD_VERSION

    @property
    def kind(self) -> str:
        return type(self.payload).__name__


class Commands(msgspec.Struct, frozen=True, tag="commands", tag_field="outcome"):
    """The event's commands."""

    commands: tuple[Command, ...]


class XeroChange(msgspec.Struct, frozen=True, kw_only=True):
    """A document in Xero that is not as it was; `xero_tenant_id` is the organisation's id there, `at` Xero's time."""

    xero_tenant_id: str
    resource: Literal["Invoices", "CreditNotes", "Contacts"]
    xero_id: str
    at: dt.datetime


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What a webhook of Xero says: which documents must be read, and where it stands in the order of deliveries. Both
    sequences are 0 where Xero only tries whether we check signatures."""

    changes: tuple[XeroChange, ...]
    first_sequence: int
    last_sequence: int


class Ignored(msgspec.Struct, frozen=True, omit_defaults=True, tag="ignored", tag_field="outcome"):
    """The event changes nothing in the books, and why. `heard`: but it names documents of Xero that are to be read."""

    reason: str
    heard: Heard | None = None


class Pending(msgspec.Struct, frozen=True, tag="pending", tag_field="outcome"):
    """No rule of this release knows the event; it waits for one that does."""

    reason: str


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What a person needs to mend it: the field, its value (shortened), why it does not fit, and what to do."""

    message: str
    field: str | None = None
    value: str | None = None
    remedy: str | None = None
    http_status: int | None = None
    xero_error_number: int | None = None
    xero_validation: tuple[str, ...] = ()
    xero_correlation_id: str | None = None
    exception_type: str | None = None
    stacktrace: str | None = None


class RefusedEvent(msgspec.Struct, frozen=True, kw_only=True, tag="refused", tag_field="outcome"):
    """The record cannot become commands: a dead letter. `about` names the thing at its source that is refused, where
    several deliveries or sweeps may bring it: refused once for one reason, it needs one letter."""

    cause: Cause
    stage: Stage
    evidence: Evidence
    about: str | None = None


class Duplicate(msgspec.Struct, frozen=True, tag="duplicate", tag_field="outcome"):
    """Translate has just passed on the same event key with the same digest."""


Outcome = Commands | Ignored | Pending | RefusedEvent | Duplicate


class CommandRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The one record in `commands` for one record of `raw` or `events.*`, at the same partition number.

    `topic` is the name without prefix; `key`, `value` and `headers` are the record's own bytes, kept for replay
    (left out of a duplicate). `sequence` orders what the source tells of one entity: its own version, else the event's
    time in microseconds. What is None could not be read from the record.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    outcome: Outcome
    event_key: str | None = None
    source: str | None = None
    event_id: str | None = None
    event_type: str | None = None
    event_time: dt.datetime | None = None
    entity_key: str | None = None
    sequence: int | None = None
    digest: str | None = None
    traceparent: str | None = None
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


_decoder = msgspec.json.Decoder(CommandRecord)
_payloads: msgspec.json.Decoder[AnyPayload] = msgspec.json.Decoder(AnyPayload)


def decode_record(body: bytes) -> CommandRecord:
    """A command record from its JSON; msgspec.DecodeError where it is not ours."""
    return _decoder.decode(body)


def decode_payload(body: bytes) -> AnyPayload:
    """A stored payload from its JSON."""
    return _payloads.decode(body)
