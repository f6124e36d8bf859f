"""Which rule an event type has. What happens on X is one look-up here."""

from collections.abc import Callable
from typing import Any, Final

from schemas.commands import Command, Commands, Ignored, Outcome, Pending
from schemas.events import (
    ContactUpdated,
    CreditNoteChanged,
    EventType,
    InvoiceStatusChanged,
    JobCompleted,
    OrderCancelled,
    OrderPlaced,
    OrderUpdated,
    PaymentFailed,
    PaymentReceived,
    RefundIssued,
    XeroContactChanged,
)
from streams.core.rules import contacts, payments, sales
from streams.core.rules.context import Context

Rule = Callable[[Context, Any], tuple[Command, ...]]


def _stands_in_xero(_context: Context, _data: Any) -> tuple[Command, ...]:
    """What Xero tells is in the books already: the CRM, workflows and reports want to know of it."""
    return ()


_IN_XERO: Final = "it tells of what stands in Xero already"
RULES: Final[dict[type, Rule]] = {
    OrderPlaced: sales.order,
    OrderUpdated: sales.order,
    OrderCancelled: sales.order_cancelled,
    JobCompleted: sales.job,
    ContactUpdated: contacts.contact_updated,
    PaymentReceived: payments.payment_received,
    PaymentFailed: payments.payment_failed,
    RefundIssued: payments.refund_issued,
    InvoiceStatusChanged: _stands_in_xero,
    CreditNoteChanged: _stands_in_xero,
    XeroContactChanged: _stands_in_xero,
}

# Why a rule made no command of an event.
_NOTHING: Final[dict[type, Callable[[Any], str]]] = {
    ContactUpdated: lambda _: "the customers of this source share one contact",
    InvoiceStatusChanged: lambda _: _IN_XERO,
    CreditNoteChanged: lambda _: _IN_XERO,
    XeroContactChanged: lambda _: _IN_XERO,
    PaymentReceived: lambda _: payments.TOLD_BY_ANOTHER,
    RefundIssued: lambda _: payments.TOLD_BY_ANOTHER,
    PaymentFailed: lambda data: payments.DECLINED if data.kind == "declined" else payments.TOLD_BY_ANOTHER,
}


def commands_for(row: EventType, context: Context, data: Any) -> Outcome:
    """What the event becomes. Raises Unbookable."""
    rule = RULES.get(row.data)
    if rule is None:
        return Pending(f"{row.name} is known, but no rule of this release books it; it waits for one that does")
    commands = rule(context, data)
    return Commands(commands) if commands else Ignored(_NOTHING[row.data](data))
