"""Whether somebody may have recorded a payment by hand that we do not know of yet. Pure.

Xero books the same money twice wherever the invoice owes as much, and what people record comes to us by a webhook that
may be lost. So such an invoice is read before the payment goes, up to 50 in a call. What owes less is not read: Xero
refuses the double itself. Nor is what was booked or read after the payment had come to us: then it goes in a moment.
"""

import datetime as dt
from typing import Final

from connectors.xero.wire import amount
from schemas.commands import RecordPayment
from streams.core.decisions import NeedsRead
from streams.core.situation import Document, ReadyCommand

# An order and its payment are told within seconds, and nobody finds an invoice in Xero any sooner.
_AT_ONCE: Final = dt.timedelta(seconds=5)
# Where much waits, the payment goes so long after its invoice; where nothing may be sent, longer.
_FRESH: Final = dt.timedelta(minutes=15)


def look_first(command: ReadyCommand, now: dt.datetime) -> NeedsRead | None:
    """The reading that a payment needs before it is sent, if it needs one."""
    payload = command.payload
    if not isinstance(payload, RecordPayment) or command.decision == "source":
        return None
    known = command.dependency(payload.invoice).document
    if known is None or not _may_hide_one(known, payload):
        return None
    if known.read_at + _AT_ONCE >= command.taken_in and now - known.read_at <= _FRESH:
        return None
    return NeedsRead("Invoices", known.xero_id)


def _may_hide_one(invoice: Document, payload: RecordPayment) -> bool:
    """Whether both payments would have room, as far as the invoice is known."""
    return (amount(invoice.body.get("AmountDue")) or 0) >= 2 * payload.amount
