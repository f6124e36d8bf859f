"""Line amounts, taxes and totals as Xero computes them. Pure.

Order of rounding (Xero's own page, and a vendor's worked example for the tie): the unit amount to 2 places (4 when
`unitdp=4`) before anything else; the line to 2 places; the tax of each line to 2 places, ties away from zero; then
sums.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from schemas.money import EXACT, round_half_up

LineAmountTypes = Literal["Exclusive", "Inclusive", "NoTax"]

ZERO: Final = Decimal("0.00")
_HUNDRED: Final = Decimal(100)


@dataclass(frozen=True, slots=True)
class LineInput:
    """What decides one line. `rate` is the tax rate in percent; `tax_amount` overrides what it gives."""

    quantity: Decimal
    unit_amount: Decimal
    rate: Decimal
    discount_rate: Decimal | None = None
    discount_amount: Decimal | None = None
    tax_amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class LineTotals:
    """One line: `amount` as shown (with the tax when amounts are inclusive), `tax`, and the `discount` given."""

    amount: Decimal
    tax: Decimal
    discount: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """A whole document."""

    sub_total: Decimal
    total_tax: Decimal
    total: Decimal
    discount: Decimal


def unit_rounded(unit_amount: Decimal, unitdp: int) -> Decimal:
    """The unit amount as it is kept: 2 places, or 4 when the call says unitdp=4."""
    return round_half_up(unit_amount, unitdp)


def line_totals(line: LineInput, types: LineAmountTypes) -> LineTotals:
    """The amounts of one line whose unit amount is already rounded."""
    gross = EXACT.multiply(line.quantity, line.unit_amount)
    if line.discount_rate is not None:
        off = EXACT.divide(EXACT.multiply(gross, line.discount_rate), _HUNDRED)
    else:
        off = line.discount_amount if line.discount_amount is not None else ZERO
    amount = round_half_up(EXACT.subtract(gross, off))
    discount = round_half_up(off)
    if types == "NoTax":
        return LineTotals(amount, ZERO, discount)
    if line.tax_amount is not None:
        return LineTotals(amount, round_half_up(line.tax_amount), discount)
    base = _HUNDRED if types == "Exclusive" else EXACT.add(_HUNDRED, line.rate)
    tax = round_half_up(EXACT.divide(EXACT.multiply(amount, line.rate), base))
    return LineTotals(amount, tax, discount)


def document_totals(lines: Iterable[LineTotals], types: LineAmountTypes) -> Totals:
    """The sums over rounded lines."""
    amount = tax = discount = ZERO
    for line in lines:
        amount += line.amount
        tax += line.tax
        discount += line.discount
    if types == "Inclusive":
        return Totals(amount - tax, tax, amount, discount)
    return Totals(amount, tax, amount + tax, discount)
