"""A sum spread over the lines of a document, to the penny."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Any, Final, NamedTuple

from connectors.xero.wire import amount
from schemas.commands import DocumentLine
from schemas.money import EXACT, minor_digits, round_half_up

Body = Mapping[str, Any]

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


def over_invoice(
    total: Decimal, currency: str, invoice: Body, credited: Iterable[Body], words: str
) -> tuple[DocumentLine, ...]:
    """Lines, tax included, that mirror an invoice as Xero holds it: one per account and tax type, `total` in sum.

    Each carries the tax that the invoice charged for its part, less what earlier notes (`credited`, as Xero holds them)
    gave back: whoever gets back all that was paid gets back all of the tax, to the penny. Raises ValueError where the
    invoice has no lines to mirror.
    """
    charged = parts(invoice)
    left = dict(charged)
    for note in credited:
        for key, part in parts(note).items():
            if key in left:
                left[key] = Part(left[key].gross - part.gross, left[key].tax - part.tax)
    # More than is left goes back only if a person wants it; then the invoice as a whole is the measure.
    measure = left if total <= sum((part.gross for part in left.values()), _ZERO) else charged
    amounts = shares(total, [part.gross for part in measure.values()], min(minor_digits(currency), _PLACES_MAX))
    return tuple(
        DocumentLine(
            description=words,
            quantity=Decimal(1),
            unit_amount=gross,
            account_code=account,
            tax_type=tax_type,
            tax_amount=_tax_of(gross, part),
        )
        for ((account, tax_type), part), gross in zip(measure.items(), amounts, strict=True)
        if gross
    )


class Part(NamedTuple):
    """What one account and tax type has of a document. `gross` includes the `tax`."""

    gross: Decimal
    tax: Decimal


def parts(document: Body) -> dict[tuple[str, str], Part]:
    """What each account and tax type has of a document, as Xero holds it."""
    found: dict[tuple[str, str], Part] = {}
    types = document.get("LineAmountTypes")
    for line in document.get("LineItems") or ():
        tax = _ZERO if types == "NoTax" else amount(line.get("TaxAmount")) or _ZERO
        gross = (amount(line.get("LineAmount")) or _ZERO) + (tax if types == "Exclusive" else _ZERO)
        key = (str(line.get("AccountCode") or ""), str(line.get("TaxType") or "NONE"))
        before = found.get(key, Part(_ZERO, _ZERO))
        found[key] = Part(before.gross + gross, before.tax + tax)
    return found


def _tax_of(gross: Decimal, part: Part) -> Decimal:
    return round_half_up(EXACT.divide(EXACT.multiply(part.tax, gross), part.gross))
