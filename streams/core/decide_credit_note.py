"""Credit notes: for the customer of the invoice, with its accounts and tax mirrored, over exactly what was refunded."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from msgspec.structs import replace

from connectors.xero import elements, totals
from connectors.xero.wire import amount
from schemas import keys
from schemas.commands import DocumentLine, UpsertCreditNote
from schemas.money import for_people
from streams.core import penny, spread
from streams.core.decisions import (
    ANEW,
    Decision,
    NeedsRead,
    Rates,
    Waits,
    asked,
    fresh,
    gone,
    rejected,
    write,
    wrong_currency,
)
from streams.core.results import Option, Same
from streams.core.situation import EffectLink, ReadyCommand

Body = Mapping[str, Any]
_Parts = Mapping[tuple[str, str], spread.Part]

# How soon what an earlier refund became is looked at again.
_EARLIER_S: Final = 2
_PENNY: Final = Decimal("0.01")
_ENDED: Final = frozenset({"VOIDED", "DELETED"})
_LEAVE: Final = Option("xero", "make no credit note; book in Xero by hand what the refund really was")
_BOOK: Final = Option("source", "make the credit note all the same")


def decide(command: ReadyCommand, payload: UpsertCreditNote, rates: Rates) -> Decision:
    """A credit note is made once; a changed one is a person's business, because it may be paid out already."""
    if command.effect.xero_id is not None:
        return _again(command, payload, rates, command.effect.xero_id)
    invoice = _invoice(command, payload.invoice)
    if payload.own_number is not None and _source(invoice) == command.source:
        payload = replace(payload, number=payload.own_number)
    if invoice.xero_id is None:
        return rejected(
            command,
            f"The invoice that this credits was never booked: it was cancelled or discarded before. "
            f"{for_people(payload.total, payload.currency)} {payload.currency} went back all the same.",
            f"{ANEW} Or book in Xero by hand what came and what went back, then `ledgerstream dlq discard ID`.",
            "invoice",
            invoice.effect_key,
        )
    if (problem := wrong_currency(command, payload.currency, invoice, "invoice")) is not None:
        return problem
    if any(note.document is None for note in command.credited):
        return Waits("an earlier refund of the same invoice is not booked yet", "dependency", _EARLIER_S)
    # As Xero holds it now: a person may have given it another customer or other accounts.
    document = fresh(command, invoice.document, "Invoices", invoice.xero_id)
    if isinstance(document, NeedsRead):
        return document
    contact_id = (document.body.get("Contact") or {}).get("ContactID")
    if not contact_id:
        return gone(command, "invoice", invoice.xero_id)
    notes = [note.document.body for note in command.credited if note.document is not None]
    credited = [body for body in notes if body.get("Status") not in _ENDED]
    return _too_much(command, payload, document.body, credited) or _create(
        command, payload, rates, document.body, credited, contact_id
    )


def _again(command: ReadyCommand, payload: UpsertCreditNote, rates: Rates, xero_id: str) -> Decision:
    """What it was for may be told after it was booked, and be what the books say already."""
    document = fresh(command, command.effect.document, "CreditNotes", xero_id) if payload.lines else None
    if isinstance(document, NeedsRead):
        return document
    if document is not None and _is_alike(_says(document.body), _wanted(payload, rates)):
        return Same(command_id=command.command_id, reason="the credit note in Xero has these amounts and taxes already")
    return rejected(
        command,
        "This credit note is booked with another content: its amounts, its accounts or its taxes differ.",
        "Change it in Xero if need be, then `ledgerstream dlq discard ID`.",
        "credit_note",
        command.effect.number or xero_id,
    )


def _says(body: Body) -> _Parts:
    return {key: part for key, part in spread.parts(body).items() if part.gross}


def _is_alike(one: _Parts, other: _Parts) -> bool:
    """The tax of what was spread is a share of what the invoice charged, which may round to another penny."""
    if not one or one.keys() != other.keys():
        return False
    return all(part.gross == other[key].gross and abs(part.tax - other[key].tax) <= _PENNY for key, part in one.items())


def _wanted(payload: UpsertCreditNote, rates: Rates) -> _Parts:
    """What Xero would make of the lines; nothing where that is not known of a tax type."""
    types = payload.line_amount_types
    if any(line.tax_type not in rates for line in payload.lines):
        return {}
    made = totals.predict(payload.lines, types, rates).lines
    lines = [
        {"AccountCode": line.account_code, "TaxType": line.tax_type, "LineAmount": one.amount, "TaxAmount": one.tax}
        for line, one in zip(payload.lines, made, strict=True)
    ]
    return _says({"LineAmountTypes": types, "LineItems": lines})


def _too_much(
    command: ReadyCommand, payload: UpsertCreditNote, invoice: Body, credited: Sequence[Body]
) -> Decision | None:
    """Nobody gets back more than was sold, with tax that was never charged, unless a person wants it so."""
    sold = amount(invoice.get("Total"))
    before = sum((amount(note.get("Total")) or Decimal(0) for note in credited), Decimal(0))
    if sold is None or before + payload.total <= sold or command.decision == "source":
        return None
    if command.decision == "xero":
        return Same(command_id=command.command_id, reason="no credit note was made, as a person decided")
    now, all_, earlier = (for_people(one, payload.currency) for one in (payload.total, sold, before))
    return asked(
        command,
        "refund_above_sale",
        f"{now} goes back for {invoice.get('InvoiceNumber') or 'the invoice'}, which is {all_} in all, of which "
        f"{earlier} was credited before. A credit note over more than was sold takes back tax that was never charged.",
        {"CreditNoteNumber": payload.number, "Total": now},
        {"InvoiceNumber": invoice.get("InvoiceNumber"), "Total": all_, "credited before": earlier},
        _LEAVE,
        _BOOK,
    )


def _invoice(command: ReadyCommand, effect_key: str) -> EffectLink:
    """The invoice that is credited: named itself, or by a payment of it."""
    named = command.dependency(effect_key)
    if named.resource != "Payments":
        return named
    return next((link for link in command.depends_on if link.resource == "Invoices"), named)


def _source(invoice: EffectLink) -> str:
    return keys.parse_entity_key(keys.entity_of_effect(invoice.effect_key))[0]


def _create(
    command: ReadyCommand,
    payload: UpsertCreditNote,
    rates: Rates,
    invoice: Body,
    credited: Sequence[Body],
    contact_id: str,
) -> Decision:
    lines: tuple[DocumentLine, ...] = payload.lines
    types = payload.line_amount_types
    is_mirror = not lines
    if is_mirror:
        types = "NoTax" if invoice.get("LineAmountTypes") == "NoTax" else "Inclusive"
        words = f"Refund of {invoice.get('InvoiceNumber') or 'the invoice'}"
        try:
            lines = spread.over_invoice(payload.total, payload.currency, invoice, credited, words)
        except ValueError as error:
            return rejected(
                command,
                f"The refund cannot be spread over the lines of the invoice: {error}.",
                "Make the credit note in Xero by hand, then `ledgerstream dlq discard ID`.",
                "total",
                payload.total,
            )
    elif (problem := penny.problem(command, lines, types, payload.total, rates)) is not None:
        return problem
    items = elements.lines([elements.without_discount(line) for line in lines], with_tax=is_mirror and types != "NoTax")
    element = elements.credit_note(payload, contact_id, command.effect.mark, items, types)
    return write(command, "CreditNotes", element, "create", "PUT", number=payload.number)
