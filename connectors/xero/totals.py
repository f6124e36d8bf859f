"""What Xero will make of a document's lines: predicted before the call, compared after it (G6).

Rounding as Xero documents it: a line's amount to 2 decimals, its tax to 2 decimals, then the sums; ties away from
zero (facts: xero-api, section 5). Written from those facts alone; it shares no code with the sandbox.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache, reduce
from typing import Final, Literal, Protocol

from schemas.money import EXACT, round_half_up

_HUNDRED: Final = Decimal(100)
_NOTHING: Final = Decimal(0)

LineAmountTypes = Literal["Exclusive", "Inclusive", "NoTax"]


class TaxedLine(Protocol):
    """What a line must say to be predicted."""

    @property
    def quantity(self) -> Decimal: ...
    @property
    def unit_amount(self) -> Decimal: ...
    @property
    def discount_amount(self) -> Decimal | None: ...
    @property
    def tax_type(self) -> str: ...


@dataclass(frozen=True, slots=True)
class LineTotal:
    """One line as Xero will show it: `amount` before or with tax, as the document says."""

    amount: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """A document's sums: `total` = `subtotal` + `total_tax`."""

    subtotal: Decimal
    total_tax: Decimal
    total: Decimal
    lines: tuple[LineTotal, ...]


def predict(lines: Iterable[TaxedLine], types: LineAmountTypes, percents: Mapping[str, Decimal]) -> Totals:
    """The totals of a document. `percents` gives each tax type's rate; KeyError for one it does not name."""
    totals = tuple([_line(line, types, percents) for line in lines])
    amounts = reduce(EXACT.add, [line.amount for line in totals], _NOTHING)
    tax = reduce(EXACT.add, [line.tax for line in totals], _NOTHING)
    if types == "Inclusive":
        return Totals(subtotal=EXACT.subtract(amounts, tax), total_tax=tax, total=amounts, lines=totals)
    return Totals(subtotal=amounts, total_tax=tax, total=EXACT.add(amounts, tax), lines=totals)


def _line(line: TaxedLine, types: LineAmountTypes, percents: Mapping[str, Decimal]) -> LineTotal:
    percent = None if types == "NoTax" else percents[line.tax_type]
    return _line_total(line.quantity, line.unit_amount, line.discount_amount or _NOTHING, percent, types)


@lru_cache(maxsize=4096)
def _line_total(
    quantity: Decimal, unit_amount: Decimal, discount: Decimal, percent: Decimal | None, types: LineAmountTypes
) -> LineTotal:
    """A shop sells the same things again and again: what was worked out lately is kept."""
    # A unit amount has 4 decimals (unitdp=4): what the source sends beyond them, Xero does not see.
    gross = EXACT.multiply(quantity, round_half_up(unit_amount, 4))
    amount = round_half_up(EXACT.subtract(gross, discount))
    if percent is None:
        return LineTotal(amount, _NOTHING)
    whole = EXACT.add(_HUNDRED, percent) if types == "Inclusive" else _HUNDRED
    return LineTotal(amount, round_half_up(EXACT.divide(EXACT.multiply(amount, percent), whole)))
