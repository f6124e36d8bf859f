"""The table of event types: which struct, which topic, which entity, and whether a rule uses it yet."""

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from schemas import keys
from schemas.codec import decoder
from schemas.envelope import Envelope
from schemas.events.contacts import ContactMerged, ContactUpdated
from schemas.events.fields import Contract
from schemas.events.jobs import JobCompleted
from schemas.events.orders import OrderCancelled, OrderPlaced, OrderUpdated
from schemas.events.payments import (
    DisputeClosed,
    DisputeOpened,
    PaymentFailed,
    PaymentReceived,
    PayoutFailed,
    PayoutPaid,
    RefundFailed,
    RefundIssued,
)
from schemas.events.xero import CreditNoteChanged, InvoiceStatusChanged, XeroContactChanged
from schemas.topics import TopicName

_TYPE: Final = re.compile(r"^com\.ledgerstream\.(?P<name>[A-Za-z]+)\.v(?P<version>[0-9]+)$")


class EventType(msgspec.Struct, frozen=True):
    """One row. `entity` is (kind of the entity, field that holds its id). `draft`: no rule uses it yet."""

    data: type[Contract]
    topic: TopicName
    entity: tuple[str, str]
    decode: Callable[[bytes], Any]
    draft: bool = False
    version: int = 1

    @property
    def name(self) -> str:
        return self.data.__name__

    @property
    def type(self) -> str:
        """The CloudEvents `type`."""
        return f"com.ledgerstream.{self.name}.v{self.version}"

    def entity_key(self, source: str, data: Contract) -> str:
        """The entity that an event of this type is about."""
        kind, field = self.entity
        return keys.entity_key(source, kind, getattr(data, field))


class UnknownType(Exception):
    """A type or major version that this release does not know. The event waits for one that does."""


def _row(data: type[Contract], topic: TopicName, kind: str, field: str, *, draft: bool = False) -> EventType:
    return EventType(data=data, topic=topic, entity=(kind, field), decode=decoder(data), draft=draft)


EVENT_TYPES: Final[dict[str, EventType]] = {
    row.type: row
    for row in (
        _row(OrderPlaced, "events.orders", "order", "order_id"),
        _row(OrderUpdated, "events.orders", "order", "order_id"),
        _row(OrderCancelled, "events.orders", "order", "order_id"),
        _row(JobCompleted, "events.jobs", "job", "job_id"),
        _row(ContactUpdated, "events.contacts", "customer", "contact_id"),
        _row(ContactMerged, "events.contacts", "customer", "contact_id", draft=True),
        _row(PaymentReceived, "events.payments", "payment", "payment_id"),
        _row(PaymentFailed, "events.payments", "payment", "payment_id"),
        _row(RefundIssued, "events.payments", "refund", "refund_id"),
        _row(RefundFailed, "events.payments", "refund", "refund_id", draft=True),
        _row(DisputeOpened, "events.payments", "dispute", "dispute_id", draft=True),
        _row(DisputeClosed, "events.payments", "dispute", "dispute_id", draft=True),
        _row(PayoutPaid, "events.payouts", "payout", "payout_id", draft=True),
        _row(PayoutFailed, "events.payouts", "payout", "payout_id", draft=True),
        _row(InvoiceStatusChanged, "events.xero", "xero", "invoice_id"),
        _row(XeroContactChanged, "events.xero", "xero", "contact_id"),
        _row(CreditNoteChanged, "events.xero", "xero", "credit_note_id"),
    )
}


def event_type(type_: str) -> EventType:
    """The row of a CloudEvents type; UnknownType for one that this release does not know."""
    row = EVENT_TYPES.get(type_)
    if row is None:
        raise UnknownType(unknown_type_message(type_))
    return row


def unknown_type_message(type_: str) -> str:
    """Why the type is not known, and what to send instead."""
    match = _TYPE.match(type_)
    versions = sorted(row.version for row in EVENT_TYPES.values() if match and row.name == match["name"])
    if match and versions:
        return f"{match['name']} is known here up to version {versions[-1]}, not version {match['version']}"
    return f"no event type {type_[:80]!r} is known here; GET /v1/schemas lists them"


def decode_event(envelope: Envelope) -> tuple[EventType, Any]:
    """The row and the typed data of an event. Raises UnknownType, or Refused with the field's path."""
    row = event_type(envelope.type)
    return row, row.decode(envelope.data)
