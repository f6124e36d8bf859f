"""What Xero will make of a document's lines: predicted before the call, compared after it (G6).

Rounding as Xero documents it: a line's amount to 2 decimals, its tax to 2 decimals, then the sums; ties away from
zero (facts: xero-api, section 5). Written from those facts alone; it shares no code with the sandbox.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from typing import Final, Literal, Protocol

from schemas.money import EXACT, round_half_up

_HUNDRED: Final = Decimal(100)

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
    totals = tuple(_line(line, types, percents) for line in lines)
    amounts = reduce(EXACT.add, (line.amount for line in totals), Decimal(0))
    tax = reduce(EXACT.add, (line.tax for line in totals), Decimal(0))
    if types == "Inclusive":
        return Totals(subtotal=EXACT.subtract(amounts, tax), total_tax=tax, total=amounts, lines=totals)
    return Totals(subtotal=amounts, total_tax=tax, total=EXACT.add(amounts, tax), lines=totals)


def _line(line: TaxedLine, types: LineAmountTypes, percents: Mapping[str, Decimal]) -> LineTotal:
    # A unit amount has 4 decimals (unitdp=4): what the source sends beyond them, Xero does not see.
    gross = EXACT.multiply(line.quantity, round_half_up(line.unit_amount, 4))
    amount = round_half_up(EXACT.subtract(gross, line.discount_amount or Decimal(0)))
    if types == "NoTax":
        return LineTotal(amount, Decimal(0))
    percent = percents[line.tax_type]
    whole = EXACT.add(_HUNDRED, percent) if types == "Inclusive" else _HUNDRED
    return LineTotal(amount, round_half_up(EXACT.divide(EXACT.multiply(amount, percent), whole)))
