"""Golden rows of Xero's rounding, from Xero's own page and a vendor's worked example."""

from decimal import Decimal

import pytest

from connectors.xero.sandbox.totals import LineAmountTypes, LineInput, document_totals, line_totals, unit_rounded

D = Decimal


def line(quantity: str, unit: str, rate: str, **more: Decimal) -> LineInput:
    return LineInput(D(quantity), D(unit), D(rate), **more)


def test_xeros_own_example_of_tax_rounded_for_each_line() -> None:
    lines = [line_totals(line("1", amount, "15"), "Exclusive") for amount in ("25.06", "25.61", "25.63")]
    assert [row.tax for row in lines] == [D("3.76"), D("3.84"), D("3.84")]
    assert document_totals(lines, "Exclusive").total_tax == D("11.44")


def test_a_tie_goes_up_not_to_even() -> None:
    assert line_totals(line("1", "34.25", "10"), "Exclusive").tax == D("3.43")


def test_a_negative_tie_goes_away_from_zero() -> None:
    assert line_totals(line("-1", "34.25", "10"), "Exclusive").tax == D("-3.43")


def test_the_unit_amount_is_rounded_before_the_line() -> None:
    assert unit_rounded(D("7.7454"), 2) == D("7.75")
    assert line_totals(line("100", str(unit_rounded(D("7.7454"), 2)), "0"), "Exclusive").amount == D("775.00")
    assert line_totals(line("100", str(unit_rounded(D("7.7454"), 4)), "0"), "Exclusive").amount == D("774.54")


@pytest.mark.parametrize(
    ("types", "amount", "tax", "totals"),
    [
        ("Exclusive", "20.00", "4.00", ("20.00", "4.00", "24.00")),
        ("Inclusive", "20.00", "3.33", ("16.67", "3.33", "20.00")),
        ("NoTax", "20.00", "0.00", ("20.00", "0.00", "20.00")),
    ],
)
def test_line_amount_types(types: LineAmountTypes, amount: str, tax: str, totals: tuple[str, str, str]) -> None:
    row = line_totals(line("2", "10", "20"), types)
    assert (row.amount, row.tax) == (D(amount), D(tax))
    document = document_totals([row], types)
    assert (document.sub_total, document.total_tax, document.total) == tuple(map(D, totals))


def test_a_discount_comes_off_before_tax() -> None:
    row = line_totals(line("3", "9.99", "20", discount_rate=D("33.33")), "Exclusive")
    assert (row.amount, row.discount, row.tax) == (D("19.98"), D("9.99"), D("4.00"))
    row = line_totals(line("3", "10", "20", discount_amount=D("0.50")), "Exclusive")
    assert (row.amount, row.discount, row.tax) == (D("29.50"), D("0.50"), D("5.90"))


def test_a_given_tax_amount_stands() -> None:
    assert line_totals(line("1", "100", "20", tax_amount=D("19.99")), "Exclusive").tax == D("19.99")


def test_the_largest_line_is_exact() -> None:
    row = line_totals(line("1", "9999999999.99", "20"), "Exclusive")
    assert row.tax == D("2000000000.00")
    assert document_totals([row], "Exclusive").total == D("11999999999.99")
