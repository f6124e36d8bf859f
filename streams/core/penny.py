"""To the penny (G6): a document is sent only if Xero will make of its lines exactly what the source charged."""

from collections.abc import Sequence
from decimal import Decimal

from connectors.xero import totals
from schemas.commands import DocumentLine
from schemas.money import to_text
from streams.core.decisions import Rates, rejected
from streams.core.results import Rejected
from streams.core.situation import ReadyCommand


def problem(
    command: ReadyCommand, lines: Sequence[DocumentLine], types: totals.LineAmountTypes, total: Decimal, rates: Rates
) -> Rejected | None:
    """Why the document must not be sent, with both figures; None if it may."""
    try:
        predicted = totals.predict(lines, types, rates)
    except KeyError as missing:
        return rejected(
            command,
            f"The tenant file gives no rate for the tax type {missing.args[0]}, so the total cannot be checked.",
            "Name the rate under `taxes.rates` in the tenant file, then `ledgerstream dlq replay ID`.",
            "lines.tax_type",
            missing.args[0],
        )
    if predicted.total == total:
        return None
    return rejected(
        command,
        f"Xero would make {to_text(predicted.total)} of these lines, and the source says {to_text(total)}.",
        "Send a corrected event; or allow a rounding line in the tenant file, then `ledgerstream dlq replay ID`.",
        "total",
        to_text(total),
    )
