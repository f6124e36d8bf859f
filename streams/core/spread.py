"""A sum spread over the lines of a document, to the penny."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Any, Final

from connectors.xero.wire import amount
from schemas.commands import DocumentLine
from schemas.money import EXACT, minor_digits

_ZERO: Final = Decimal(0)
# Xero's amounts have two decimals, whatever the currency.
_PLACES_MAX: Final = 2


def shares(total: Decimal, weights: Sequence[Decimal], places: int) -> list[Decimal]:
    """`total` in parts proportional to `weights`, exact in sum: rounded down, then the largest remainders get a unit.

    Raises ValueError where the weights sum to zero, or the total has more than `places` decimals.
    """
    whole = sum(weights, _ZERO)
    unit = Decimal(1).scaleb(-places)
    if not whole:
        raise ValueError("the weights sum to zero, so nothing is in proportion to them")
    if total != total.quantize(unit, context=EXACT):
        raise ValueError(f"{total} has more than {places} decimals")
    exact = [EXACT.divide(EXACT.multiply(total, weight), whole) for weight in weights]
    parts = [part.quantize(unit, rounding=ROUND_FLOOR, context=EXACT) for part in exact]
    missing = int(EXACT.divide(total - sum(parts, _ZERO), unit).to_integral_value())
    order = sorted(range(len(parts)), key=lambda place: (parts[place] - exact[place], place))
    for place in order[:missing]:
        parts[place] += unit
    return parts


def over_invoice(total: Decimal, currency: str, invoice: Mapping[str, Any], words: str) -> tuple[DocumentLine, ...]:
    """Lines, tax included, that mirror an invoice as Xero holds it: one per account and tax type, `total` in sum.

    Raises ValueError where the invoice has no lines to mirror.
    """
    groups: dict[tuple[str, str], Decimal] = {}
    is_exclusive = invoice.get("LineAmountTypes") == "Exclusive"
    for line in invoice.get("LineItems") or ():
        gross = (amount(line.get("LineAmount")) or _ZERO) + (
            (amount(line.get("TaxAmount")) or _ZERO) if is_exclusive else _ZERO
        )
        key = (str(line.get("AccountCode") or ""), str(line.get("TaxType") or "NONE"))
        groups[key] = groups.get(key, _ZERO) + gross
    parts = shares(total, list(groups.values()), min(minor_digits(currency), _PLACES_MAX))
    return tuple(
        DocumentLine(description=words, quantity=Decimal(1), unit_amount=part, account_code=account, tax_type=tax_type)
        for (account, tax_type), part in zip(groups, parts, strict=True)
        if part
    )
