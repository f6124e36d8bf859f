"""Amounts: exact, with each currency's own number of places, and never a float."""

from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.money import (
    EXACT,
    for_people,
    from_minor,
    minor_digits,
    parse_amount,
    parse_decimal,
    round_half_up,
    to_text,
)

# ISO 4217, table A.1, the column "Mnr" as of 2024; currencies of the table that are not named here have two places.
NO_PLACES = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split()
THREE_PLACES = "BHD IQD JOD KWD LYD OMR TND".split()
FOUR_PLACES = "CLF UYW".split()
TWO_PLACES = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP
COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR
JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN
NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL
THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD YER ZAR ZMW ZWG
""".split()

AMOUNTS = st.decimals(min_value=-(10**16), max_value=10**16, allow_nan=False, allow_infinity=False, places=8)


@pytest.mark.parametrize(
    ("currencies", "places"),
    [(NO_PLACES, 0), (TWO_PLACES, 2), (THREE_PLACES, 3), (FOUR_PLACES, 4)],
    ids=["none", "two", "three", "four"],
)
def test_minor_units_of_every_currency(currencies: list[str], places: int) -> None:
    assert {currency: minor_digits(currency) for currency in currencies} == dict.fromkeys(currencies, places)
    for currency in currencies:
        assert from_minor(1, currency) == Decimal(1) / 10**places
        assert to_text(from_minor(123_456, currency)) == (f"{123_456 / 10**places:.{places}f}")


@pytest.mark.parametrize(
    ("units", "currency", "text"),
    [
        (1250, "GBP", "12.50"),
        (-1, "EUR", "-0.01"),
        (0, "GBP", "0.00"),
        (500, "JPY", "500"),
        (5120, "KWD", "5.120"),
        (10**20 + 1, "USD", "1000000000000000000.01"),
    ],
)
def test_minor_units_become_an_amount_with_the_currencys_places(units: int, currency: str, text: str) -> None:
    assert to_text(from_minor(units, currency)) == text


@pytest.mark.parametrize("units", [12.5, 1250.0])
def test_minor_units_are_whole(units: Any) -> None:
    with pytest.raises(TypeError, match="float"):
        from_minor(units, "GBP")


@pytest.mark.parametrize("text", ["0", "12", "12.", ".5", "-12.50", "007.10", "0" * 40])
def test_plain_decimals_are_read_exactly(text: str) -> None:
    assert parse_decimal(text) == Fraction(Decimal(text))


@pytest.mark.parametrize(
    "text",
    ["", ".", "-", "+1", "1e3", "1E+3", "NaN", "sNaN", "Infinity", "-inf", "1,000.00", "1 000", " 1", "1\n", "1_000",
     "0x10", "--1", "1.2.3", "£1", "١٢", "²", "0" * 41],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r'^expected a decimal such as "12\.50", got '):
        parse_decimal(text)


def test_the_refusal_shows_the_beginning_of_a_long_text() -> None:
    with pytest.raises(ValueError, match=r"got '9{40}'$"):
        parse_decimal("9" * 1000)


@pytest.mark.parametrize("amount", [12.5, 12, None, Decimal("12.5")])
def test_only_text_is_an_amount(amount: Any) -> None:
    with pytest.raises(TypeError):
        parse_decimal(amount)


@given(st.integers(0, 10**21), st.integers(0, 6), st.booleans())
def test_every_amount_of_an_event_is_read_exactly(digits: int, places: int, negative: bool) -> None:
    padded = str(digits).zfill(places + 1)
    text = padded if places == 0 else f"{padded[:-places]}.{padded[-places:]}"
    value = Fraction(-digits if negative else digits, 10**places)
    assert Fraction(parse_decimal(f"-{text}" if negative else text)) == value


@given(AMOUNTS)
def test_an_amount_comes_back_from_its_text(amount: Decimal) -> None:
    text = to_text(amount)
    assert parse_decimal(text) == amount
    assert not text.startswith("-0") or amount


@pytest.mark.parametrize(
    ("value", "text"),
    [("1E+3", "1000"), ("-0.00", "0.00"), ("0E-8", "0.00000000"), ("1E-7", "0.0000001"), ("-5.10", "-5.10")],
)
def test_a_text_has_no_exponent_and_no_negative_zero(value: str, text: str) -> None:
    assert to_text(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "places", "rounded"),
    [
        ("3.425", 2, "3.43"),
        ("-3.425", 2, "-3.43"),
        ("3.4249999999", 2, "3.42"),
        ("2.5", 0, "3"),
        ("0.00005", 4, "0.0001"),
        ("9999999999.995", 2, "10000000000.00"),
    ],
)
def test_ties_go_away_from_zero(value: str, places: int, rounded: str) -> None:
    assert to_text(round_half_up(Decimal(value), places)) == rounded


@given(AMOUNTS, st.integers(0, 8))
def test_rounding_takes_the_nearest_and_of_two_the_farther_from_zero(value: Decimal, places: int) -> None:
    scaled = abs(Fraction(value)) * 10**places
    nearest = int(scaled + Fraction(1, 2))
    assert abs(Fraction(round_half_up(value, places))) == Fraction(nearest, 10**places)


def test_nobodys_decimal_context_changes_an_amount() -> None:
    with localcontext(prec=3, rounding=ROUND_HALF_UP):
        assert from_minor(123_456_789, "GBP") == Decimal("1234567.89")
        assert to_text(round_half_up(Decimal("1234567.895"))) == "1234567.90"


def test_a_line_of_xeros_largest_amount_is_exact() -> None:
    product = EXACT.multiply(Decimal("9999999999.9999"), Decimal("999999999999999.999999"))
    assert Fraction(product) == Fraction(Decimal("9999999999.9999")) * Fraction(Decimal("999999999999999.999999"))


@pytest.mark.parametrize(
    ("text", "currency", "written"),
    [
        ("24", "GBP", "24.00"),
        ("24.0", "GBP", "24.00"),
        ("24.000", "GBP", "24.00"),
        ("24.005", "GBP", "24.005"),
        ("-24.5", "GBP", "-24.50"),
        ("24.00", "JPY", "24"),
        ("24.5", "JPY", "24.5"),
        ("24.5", "KWD", "24.500"),
    ],
)
def test_one_amount_has_one_form_and_loses_nothing(text: str, currency: str, written: str) -> None:
    assert str(parse_amount(text, currency)) == written
    assert for_people(Decimal(text), currency) == written
