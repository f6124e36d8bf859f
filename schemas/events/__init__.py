"""The domain events: facts from sources, past tense, never changed. One table of types, one module a family."""

from schemas.events.contacts import ContactMerged, ContactUpdated
from schemas.events.jobs import JobCompleted
from schemas.events.orders import OrderCancelled, OrderPlaced, OrderUpdated
from schemas.events.payments import (
    DisputeClosed,
    DisputeOpened,
    PaymentFailed,
    PaymentReceived,
    PayoutFailed,
    PayoutItem,
    PayoutPaid,
    RefundFailed,
    RefundIssued,
)
from schemas.events.table import EVENT_TYPES, EventType, UnknownType, decode_event, event_type
from schemas.events.xero import CreditNoteChanged, InvoiceStatusChanged, XeroContactChanged

__all__ = [
    "EVENT_TYPES",
    "ContactMerged",
    "ContactUpdated",
    "CreditNoteChanged",
    "DisputeClosed",
    "DisputeOpened",
    "EventType",
    "InvoiceStatusChanged",
    "JobCompleted",
    "OrderCancelled",
    "OrderPlaced",
    "OrderUpdated",
    "PaymentFailed",
    "PaymentReceived",
    "PayoutFailed",
    "PayoutItem",
    "PayoutPaid",
    "RefundFailed",
    "RefundIssued",
    "UnknownType",
    "XeroContactChanged",
    "decode_event",
    "event_type",
]
