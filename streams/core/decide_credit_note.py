"""Credit notes: for the customer of the invoice, with its accounts and tax mirrored, over exactly what was refunded."""

from connectors.xero import elements
from schemas.commands import DocumentLine, UpsertCreditNote
from streams.core import penny, spread
from streams.core.decisions import Decision, NeedsRead, Rates, fresh, gone, rejected, write
from streams.core.situation import Document, EffectLink, ReadyCommand


def decide(command: ReadyCommand, payload: UpsertCreditNote, rates: Rates) -> Decision:
    """A credit note is made once; a changed one is a person's business, because it may be paid out already."""
    if command.effect.xero_id is not None:
        return rejected(
            command,
            "This credit note is booked with another content.",
            "Change it in Xero if need be, then `ledgerstream dlq discard ID`.",
            "credit_note",
            command.effect.number or command.effect.xero_id,
        )
    invoice = _invoice(command, payload.invoice)
    if invoice.xero_id is None:
        return rejected(
            command,
            "The invoice that this credits was never booked (it was cancelled before).",
            "Nothing is owed, so nothing is to be credited: `ledgerstream dlq discard ID`.",
            "invoice",
            invoice.effect_key,
        )
    # As Xero holds it now: a person may have given it another customer or other accounts.
    document = fresh(command, invoice.document, "Invoices", invoice.xero_id)
    if isinstance(document, NeedsRead):
        return document
    contact_id = (document.body.get("Contact") or {}).get("ContactID")
    if not contact_id:
        return gone(command, "invoice", invoice.xero_id)
    return _create(command, payload, rates, document, contact_id)


def _invoice(command: ReadyCommand, effect_key: str) -> EffectLink:
    """The invoice that is credited: named itself, or by a payment of it."""
    named = command.dependency(effect_key)
    if named.resource != "Payments":
        return named
    return next((link for link in command.depends_on if link.resource == "Invoices"), named)


def _create(
    command: ReadyCommand, payload: UpsertCreditNote, rates: Rates, document: Document, contact_id: str
) -> Decision:
    lines: tuple[DocumentLine, ...] = payload.lines
    types = payload.line_amount_types
    if not lines:
        types = "NoTax" if document.body.get("LineAmountTypes") == "NoTax" else "Inclusive"
        words = f"Refund of {document.body.get('InvoiceNumber') or 'the invoice'}"
        try:
            lines = spread.over_invoice(payload.total, payload.currency, document.body, words)
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
    element = elements.credit_note(payload, contact_id, command.effect.mark, lines, types)
    return write(command, "CreditNotes", element, "create", "PUT", number=payload.number)
