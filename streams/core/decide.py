"""One ready command and what is known of Xero → the write that carries it out, or its end without a call.

Pure: planning twice gives the same writes. The bigger families have modules of their own.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final, assert_never

from connectors.xero import elements
from connectors.xero.wire import amount, day
from schemas.commands import (
    AllocateCredit,
    CancelInvoice,
    RecordPayment,
    RecordReceive,
    RecordRefund,
    RecordSpend,
    RecordTransfer,
    ReversePayment,
    UpsertContact,
    UpsertCreditNote,
    UpsertInvoice,
)
from schemas.keys import marks_in
from streams.core import decide_contact, decide_credit_note, decide_invoice, decisions
from streams.core.decisions import Decision, Rates, Waits, Write, asked, rejected, write, wrong_currency
from streams.core.results import Option, Posted, Same
from streams.core.situation import Document, EffectLink, ReadyCommand, Resource

# Whoever records by hand often writes the day of the bank's statement.
_NEAR_DAYS: Final = 7


def decide(command: ReadyCommand, rates: Rates) -> Decision:
    """What to do about a command. Raises nothing that its payload could cause."""
    if command.effect.posted_digest == command.digest:
        return Same(command_id=command.command_id, reason="the books hold exactly this already")
    payload = command.payload
    match payload:
        case UpsertContact():
            return decide_contact.decide(command, payload)
        case UpsertInvoice():
            return decide_invoice.upsert(command, payload, rates)
        case CancelInvoice():
            return decide_invoice.cancel(command, payload)
        case UpsertCreditNote():
            return decide_credit_note.decide(command, payload, rates)
        case RecordPayment():
            return _payment(command, payload)
        case RecordRefund():
            return _refund(command, payload)
        case ReversePayment():
            return _reversal(command, payload)
        case RecordSpend() | RecordReceive() | RecordTransfer() | AllocateCredit():
            return Waits(f"this release does not book a {command.kind} yet")
    assert_never(payload)


def _payment(command: ReadyCommand, payload: RecordPayment) -> Decision:
    invoice = command.dependency(payload.invoice)
    if (problem := _problem(command, payload, invoice, "invoice")) is not None:
        return problem
    assert invoice.xero_id is not None
    element = elements.payment(payload, invoice.xero_id, command.effect.mark)
    if (by_hand := _by_hand(invoice.document, payload)) is not None and command.decision != "source":
        return _paid_by_hand(command, payload, invoice, by_hand)
    return _create(command, "Payments", element)


def _by_hand(invoice: Document | None, payload: RecordPayment) -> Mapping[str, Any] | None:
    """A payment of the same amount, near the same day, that stands on the invoice and bears no mark of ours."""
    for paid in (invoice.body.get("Payments") if invoice else None) or ():
        when = day(paid, "Date")
        if (
            "Reference" in paid
            and amount(paid.get("Amount")) == payload.amount
            and not marks_in(str(paid.get("Reference") or ""))
            and when is not None
            and abs((dt.date.fromisoformat(when) - payload.date).days) <= _NEAR_DAYS
        ):
            found: Mapping[str, Any] = paid
            return found
    return None


def _paid_by_hand(
    command: ReadyCommand, payload: RecordPayment, invoice: EffectLink, paid: Mapping[str, Any]
) -> Decision:
    """Xero would take the money a second time wherever the invoice still owes as much."""
    if command.decision == "adopt":
        return Posted(
            command_id=command.command_id,
            resource="Payments",
            xero_id=paid.get("PaymentID"),
            number=None,
            document=None,
            sent=None,
            reason="recorded by hand in Xero before it came from its source, as a person decided",
        )
    ours = {"Amount": str(payload.amount), "Date": payload.date.isoformat(), "Reference": payload.reference}
    return asked(
        command,
        "paid_by_hand",
        f"Somebody recorded a payment of {payload.amount} on {invoice.number or 'the invoice'} by hand, before the "
        "source told of one of the same amount.",
        ours,
        {name: paid.get(name) for name in ("Amount", "Date", "Reference", "PaymentID") if paid.get(name) is not None},
        Option("adopt", "it is the same money: nothing is booked, and that payment stands for it"),
        Option("source", "it is other money: book it as well"),
    )


def _refund(command: ReadyCommand, payload: RecordRefund) -> Decision:
    note = command.dependency(payload.credit_note)
    if (problem := _problem(command, payload, note, "credit note")) is not None:
        return problem
    assert note.xero_id is not None
    element = elements.refund(payload, note.xero_id, command.effect.mark)
    return _create(command, "Payments", element)


def _problem(
    command: ReadyCommand, payload: RecordPayment | RecordRefund, document: EffectLink, what: str
) -> Decision | None:
    """Why the money cannot be booked, if it cannot."""
    if command.effect.xero_id is not None:
        return rejected(
            command,
            "This payment is booked with another content, and Xero's payments cannot be changed.",
            "Send the reversal of the first payment (PaymentFailed, reversed) and the payment under a new id.",
            "payment",
            command.effect.xero_id,
        )
    if document.xero_id is None:
        return rejected(
            command,
            f"The {what} that this pays was never booked: it was cancelled or discarded before.",
            f"{decisions.ANEW} Or book the money in Xero by hand, then `ledgerstream dlq discard ID`.",
            what,
            document.effect_key,
        )
    if payload.amount <= 0:
        return rejected(
            command,
            "The amount must be above zero.",
            "Correct the amount in the source and send the event anew under a new id.",
            "amount",
            payload.amount,
        )
    return wrong_currency(command, payload.currency, document, what)


def _reversal(command: ReadyCommand, payload: ReversePayment) -> Decision:
    """Payments are never edited: one is taken back by its own path, one in a call (facts 5)."""
    paid = command.dependency(payload.payment)
    if paid.xero_id is None:
        return Same(command_id=command.command_id, reason="the payment was never booked, so nothing is to be undone")
    element = {"PaymentID": paid.xero_id, "Status": "DELETED"}
    return write(command, "Payments", element, "delete", "POST", path=f"/Payments/{paid.xero_id}", batch_max=1)


def _create(command: ReadyCommand, resource: Resource, element: elements.Element) -> Write:
    return write(command, resource, element, "create", "PUT")


def earliest_first(command: ReadyCommand) -> tuple[dt.datetime, dt.datetime, str]:
    """The order in which commands are taken up."""
    return (command.due, command.ready_since, command.command_id)
