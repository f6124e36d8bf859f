"""Sales invoices: made by PUT (a taken number is refused), changed by POST to their id, voided when they fell away."""

from collections.abc import Mapping
from typing import Any, Final

from connectors.xero import elements
from connectors.xero.wire import amount
from schemas.commands import CancelInvoice, UpsertInvoice
from streams.core import penny
from streams.core.decisions import (
    LEAVE,
    OVERWRITE,
    Decision,
    NeedsRead,
    Rates,
    asked,
    fresh,
    gone,
    rejected,
    write,
)
from streams.core.merge import merge
from streams.core.results import Option, Posted, Same
from streams.core.situation import EffectLink, ReadyCommand

Body = Mapping[str, Any]

# What Xero lets one change of an invoice on which something is paid (facts 5), as far as the source says it.
FREE_WHEN_PAID: Final = frozenset({"Reference", "DueDate", "Url"})
_ENDED: Final = frozenset({"VOIDED", "DELETED"})
_KEEP: Final = Option("keep", "leave the invoice as it is; this version of the order is not booked")
_RETRY: Final = Option("retry", "look again: the payments or credits were taken off the invoice in Xero")
_ANEW: Final = Option("source", "book the order once more, under its number with -R behind it")
ANEW_SUFFIX: Final = "-R"


def upsert(command: ReadyCommand, payload: UpsertInvoice, rates: Rates) -> Decision:
    """The invoice must stand as the source says."""
    problem = penny.problem(command, payload.lines, payload.line_amount_types, payload.total, rates)
    if problem is not None:
        return problem
    contact = command.dependency(payload.contact)
    if contact.xero_id is None:
        return rejected(
            command,
            "The customer of this invoice is not in Xero.",
            "Send the customer again (a ContactUpdated event), then `ledgerstream dlq replay ID`.",
            "contact",
            contact.effect_key,
        )
    wanted = elements.invoice(payload, contact.xero_id, command.effect.mark)
    xero_id = command.effect.xero_id
    if xero_id is None:
        return write(command, "Invoices", wanted, "create", "PUT", number=payload.number)
    document = fresh(command, command.effect.document, "Invoices", xero_id)
    if isinstance(document, NeedsRead):
        return document
    if not document.body:
        return gone(command, "invoice", xero_id)
    if document.body.get("Status") in _ENDED:
        return _ended(command, payload, wanted, document.body)
    return _change(command, payload, wanted, document.body, xero_id)


def _ended(command: ReadyCommand, payload: UpsertInvoice, wanted: elements.Element, body: Body) -> Decision:
    """Voided and deleted invoices cannot be woken, and their numbers not be used again (facts 4)."""
    if command.decision == "xero":
        return Same(command_id=command.command_id, reason=f"left {body.get('Status')} in Xero, as a person decided")
    number = f"{payload.number}{ANEW_SUFFIX}"
    if command.decision == "source":
        return write(command, "Invoices", {**wanted, "InvoiceNumber": number}, "create", "PUT", number=number)
    return asked(
        command,
        "voided_in_xero",
        f"The invoice is {body.get('Status')} in Xero, and the source sent a newer version of its order.",
        {"InvoiceNumber": payload.number, "Total": str(payload.total), "Status": payload.status},
        _shown(body),
        LEAVE,
        _ANEW,
    )


def _change(
    command: ReadyCommand, payload: UpsertInvoice, wanted: elements.Element, body: Body, xero_id: str
) -> Decision:
    fields = {name: value for name, value in wanted.items() if name != "Type"}
    if body.get("Status") not in ("DRAFT", "SUBMITTED"):
        # An approved invoice stays approved; PAID and AUTHORISED are Xero's to tell apart.
        del fields["Status"]
    if body.get("InvoiceNumber") == f"{payload.number}{ANEW_SUFFIX}":
        fields["InvoiceNumber"] = body["InvoiceNumber"]
    merged = merge(fields, command.effect.posted_body, body, command.decision)
    touched = {*merged.send, *merged.conflicts}
    if _is_paid(body) and touched - FREE_WHEN_PAID:
        return _paid(command, fields, body, touched)
    if merged.conflicts:
        return asked(
            command,
            "changed_in_xero",
            f"A person changed {', '.join(merged.conflicts)} of this invoice in Xero, and the source changed it too.",
            {name: fields[name] for name in merged.conflicts},
            {name: body.get(name) for name in merged.conflicts} | _shown(body),
            LEAVE,
            OVERWRITE,
        )
    if not merged.send:
        return Same(command_id=command.command_id, reason="Xero shows this already")
    send = dict(merged.send)
    if "LineItems" in send:
        send["LineItems"] = elements.with_line_ids(send["LineItems"], body.get("LineItems") or ())
        # Lines mean nothing without it.
        send["LineAmountTypes"] = wanted["LineAmountTypes"]
    return write(command, "Invoices", {"InvoiceID": xero_id, **send}, "update", "POST", number=payload.number)


def _paid(command: ReadyCommand, fields: Body, body: Body, touched: set[str]) -> Decision:
    if command.decision in ("keep", "xero"):
        return Same(command_id=command.command_id, reason="the paid invoice was left as it is, as a person decided")
    return asked(
        command,
        "changed_after_payment",
        f"The source changed {', '.join(sorted(touched - FREE_WHEN_PAID))} of an order whose invoice has payments or "
        "credits in Xero.",
        {name: fields[name] for name in sorted(touched)},
        _shown(body),
        _KEEP,
        _RETRY,
    )


def cancel(command: ReadyCommand, payload: CancelInvoice) -> Decision:
    """The invoice must not be owed."""
    xero_id = command.effect.xero_id
    if xero_id is None:
        return _nothing_to_cancel(command)
    document = fresh(command, command.effect.document, "Invoices", xero_id)
    if isinstance(document, NeedsRead):
        return document
    body = document.body
    if not body:
        return gone(command, "invoice", xero_id)
    if body.get("Status") in _ENDED:
        return Same(command_id=command.command_id, reason=f"the invoice is {body.get('Status')} in Xero already")
    if not _is_paid(body) and (not payload.paid or command.decision == "retry"):
        status = "DELETED" if body.get("Status") in ("DRAFT", "SUBMITTED") else "VOIDED"
        element = {"InvoiceID": xero_id, "Status": status}
        return write(command, "Invoices", element, "void", "POST", number=_number(command.effect, body))
    if command.decision == "keep":
        return Same(command_id=command.command_id, reason="the paid invoice was left as it is, as a person decided")
    why = "after money had come for it" if payload.paid else "and its invoice has payments or credits in Xero"
    return asked(
        command,
        "cancelled_after_payment",
        f"The order was cancelled, {why}. A refund, if there is one, comes as an event of its own.",
        {"Status": "VOIDED", "reason": payload.reason},
        _shown(body),
        _KEEP,
        _RETRY,
    )


def _nothing_to_cancel(command: ReadyCommand) -> Posted:
    return Posted(
        command_id=command.command_id,
        resource=None,
        xero_id=None,
        number=None,
        document=None,
        sent=None,
        reason="cancelled before it was booked: there is no invoice, and there will be none",
    )


def _is_paid(body: Body) -> bool:
    """Whether money or credit is on the invoice."""
    return body.get("Status") == "PAID" or any(amount(body.get(name)) for name in ("AmountPaid", "AmountCredited"))


def _number(effect: EffectLink, body: Body) -> str | None:
    return body.get("InvoiceNumber") or effect.number


def _shown(body: Body) -> dict[str, Any]:
    """What a person needs to see of Xero's side."""
    names = ("InvoiceNumber", "Status", "Total", "AmountPaid", "AmountCredited", "AmountDue")
    return {name: body[name] for name in names if name in body}
