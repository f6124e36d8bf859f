"""What we predict of Xero's totals, against the rules that Xero documents, computed again here with fractions.

Xero's page on rounding: a line's amount is rounded to 2 decimals, its tax is rounded to 2 decimals, then both are
summed; a tie goes up (34.25 x 10 % = 3.43), which for a negative line is away from zero; the unit amount is read with
4 decimals (unitdp=4). Nothing but the function under test is imported from the project.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.xero.totals import predict

Types = Literal["Exclusive", "Inclusive", "NoTax"]

# Any rate that a tenant file may name, 0 to 100 with up to 4 decimals as Xero keeps them.
RATES = {
    "NONE": Decimal(0),
    "RROUTPUT": Decimal(5),
    "OUTPUT2": Decimal(20),
    "TAX001": Decimal("8.875"),
    "TAX002": Decimal("12.6789"),
    "TAX003": Decimal(100),
}


@dataclass(frozen=True)
class Line:
    """A line as `predict` reads it."""

    quantity: Decimal
    unit_amount: Decimal
    tax_type: str = "OUTPUT2"
    discount_amount: Decimal | None = None


def pennies(value: Fraction) -> int:
    """Hundredths, half up and away from zero."""
    hundredths = int(abs(value) * 100 + Fraction(1, 2))
    return hundredths if value >= 0 else -hundredths


def by_the_book(lines: Sequence[Line], types: Types) -> tuple[int, int, int]:
    """Subtotal, tax and total in pennies."""
    amounts, taxes = 0, 0
    for line in lines:
        unit = Fraction(pennies(Fraction(line.unit_amount) * 100), 10_000)
        amount = pennies(Fraction(line.quantity) * unit - Fraction(line.discount_amount or 0))
        rate = Fraction(RATES[line.tax_type]) / 100
        amounts += amount
        if types == "Exclusive":
            taxes += pennies(Fraction(amount, 100) * rate)
        elif types == "Inclusive":
            taxes += pennies(Fraction(amount, 100) * rate / (1 + rate))
    return (amounts - taxes, taxes, amounts) if types == "Inclusive" else (amounts, taxes, amounts + taxes)


def amounts(digits: int, places: int) -> st.SearchStrategy[Decimal]:
    """Amounts as an event may write them, ties and small ones often."""
    whole = st.integers(-(10 ** (digits + places)), 10 ** (digits + places)).map(lambda n: Decimal(n).scaleb(-places))
    ties = st.integers(-20_000, 20_000).map(lambda n: Decimal(n * 5).scaleb(-places))
    return st.one_of(ties, whole)


LINES = st.lists(
    st.builds(
        Line,
        quantity=amounts(4, 4) | st.integers(-100, 100).map(Decimal),
        unit_amount=amounts(6, 6) | amounts(4, 2),
        tax_type=st.sampled_from(sorted(RATES)),
        discount_amount=st.none() | amounts(4, 3),
    ),
    max_size=8,
)
# Everything that the contract of an event lets through: 15 digits before the point and 6 behind it.
WIDEST = st.lists(
    st.builds(
        Line,
        quantity=amounts(15, 6),
        unit_amount=amounts(15, 6),
        tax_type=st.sampled_from(sorted(RATES)),
        discount_amount=st.none() | amounts(15, 6),
    ),
    min_size=1,
    max_size=3,
)
TYPES = st.sampled_from(["Exclusive", "Inclusive", "NoTax"])


LARGEST = Line(Decimal("999999999999999.999999"), Decimal("999999999999999.9999"), "TAX002", Decimal("0.000001"))


@given(LINES | WIDEST, TYPES)
@example([LARGEST, LARGEST], "Exclusive")
@example([LARGEST, LARGEST], "Inclusive")
def test_every_document_adds_up_by_the_book(lines: list[Line], types: Types) -> None:
    # Nobody's decimal context may change a total.
    with localcontext(prec=5):
        totals = predict(lines, types, RATES)
    found = tuple(Fraction(value) * 100 for value in (totals.subtotal, totals.total_tax, totals.total))
    assert list(found) == list(by_the_book(lines, types))
    assert len(totals.lines) == len(lines)


@given(LINES, TYPES)
def test_what_is_taken_back_mirrors_what_was_sold(lines: list[Line], types: Types) -> None:
    mirrored = [
        Line(-line.quantity, line.unit_amount, line.tax_type, -line.discount_amount if line.discount_amount else None)
        for line in lines
    ]
    sold, returned = predict(lines, types, RATES), predict(mirrored, types, RATES)
    assert (returned.subtotal, returned.total_tax, returned.total) == (-sold.subtotal, -sold.total_tax, -sold.total)


def test_xeros_own_example_of_tax_rounded_for_each_line() -> None:
    lines = [Line(Decimal(1), Decimal(amount), "GST") for amount in ("25.06", "25.61", "25.63")]
    totals = predict(lines, "Exclusive", {"GST": Decimal(15)})
    assert [line.tax for line in totals.lines] == [Decimal("3.76"), Decimal("3.84"), Decimal("3.84")]
    assert (totals.subtotal, totals.total_tax, totals.total) == (Decimal("76.30"), Decimal("11.44"), Decimal("87.74"))


@pytest.mark.parametrize(
    ("quantity", "unit", "rate", "types", "amount", "tax"),
    [
        # A tie goes up, not to even; below zero, away from it.
        ("1", "34.25", "10", "Exclusive", "34.25", "3.43"),
        ("-1", "34.25", "10", "Exclusive", "-34.25", "-3.43"),
        # The unit amount has four decimals: not 775.00, as with two.
        ("100", "7.7454", "0", "Exclusive", "774.54", "0.00"),
        ("100", "7.77777", "0", "Exclusive", "777.78", "0.00"),
        ("3", "0.005", "0", "Exclusive", "0.02", "0.00"),
        # Tax within the amount.
        ("1", "120.00", "20", "Inclusive", "120.00", "20.00"),
        ("1", "10.00", "20", "Inclusive", "10.00", "1.67"),
        ("1", "0.03", "20", "Inclusive", "0.03", "0.01"),
        ("1", "100.00", "20", "NoTax", "100.00", "0"),
        # Xero's largest line.
        ("1", "9999999999.99", "20", "Exclusive", "9999999999.99", "2000000000.00"),
    ],
)
def test_golden_rows(quantity: str, unit: str, rate: str, types: Types, amount: str, tax: str) -> None:
    totals = predict([Line(Decimal(quantity), Decimal(unit), "T")], types, {"T": Decimal(rate)})
    [line] = totals.lines
    assert (str(line.amount), str(line.tax)) == (amount, tax)


def test_a_discount_comes_off_the_whole_line_before_tax() -> None:
    [line] = predict([Line(Decimal(3), Decimal("10.00"), "OUTPUT2", Decimal("0.50"))], "Exclusive", RATES).lines
    assert (line.amount, line.tax) == (Decimal("29.50"), Decimal("5.90"))


def test_a_document_without_lines_is_nothing() -> None:
    totals = predict([], "Exclusive", RATES)
    assert [totals.subtotal, totals.total_tax, totals.total, len(totals.lines)] == [0, 0, 0, 0]


def test_a_tax_type_that_nobody_named_is_not_guessed() -> None:
    with pytest.raises(KeyError, match="OTHER"):
        predict([Line(Decimal(1), Decimal(1), "OTHER")], "Exclusive", RATES)
