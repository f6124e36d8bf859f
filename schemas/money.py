"""Money: decimals only, with the currency's own number of places.

A float never gets in: `0.1 + 0.2` pennies are how books stop balancing.
"""

import re
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import Final

# Enough digits for Xero's largest line amount (9,999,999,999.99) times any quantity, without a rounded product.
EXACT: Final = Context(prec=60)

# ISO 4217: currencies whose minor unit is not a hundredth.
_MINOR_DIGITS: Final[dict[str, int]] = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}
_TEXT_CHARACTERS_MAX: Final = 40
_PLAIN: Final = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
# The last place that is kept, by the number of places.
_UNITS: Final = tuple(Decimal(1).scaleb(-places) for places in range(9))


@lru_cache(maxsize=4096)
def parse_decimal(text: str) -> Decimal:
    """The exact decimal that `text` writes, such as "-12.50".

    Raises ValueError for anything that is not a finite plain decimal (exponents, NaN, separators, blanks).
    """
    # Prices, quantities and rates recur: what was read lately is kept.
    if len(text) > _TEXT_CHARACTERS_MAX or not _PLAIN.fullmatch(text):
        raise ValueError(f'expected a decimal such as "12.50", got {text[:_TEXT_CHARACTERS_MAX]!r}')
    return Decimal(text)


@lru_cache(maxsize=4096)
def parse_amount(text: str, currency: str) -> Decimal:
    """An amount with the currency's own places, however a source writes it: "24", "24.0" and "24.00" are one amount.

    What has more places than the currency keeps them all. Raises ValueError as parse_decimal.
    """
    return with_places(parse_decimal(text), currency)


def with_places(value: Decimal, currency: str) -> Decimal:
    """The same amount, written with the currency's places where that loses nothing (24 GBP as 24.00)."""
    exact = EXACT.quantize(value, _UNITS[minor_digits(currency)])
    return exact if exact == value else value


def for_people(value: Decimal, currency: str) -> str:
    """An amount as people write it: "24.00", and never "24.0"."""
    return to_text(with_places(value, currency))


def minor_digits(currency: str) -> int:
    """How many decimal places the currency's minor unit has (GBP 2, JPY 0, KWD 3)."""
    return _MINOR_DIGITS.get(currency, 2)


def round_half_up(value: Decimal, places: int = 2) -> Decimal:
    """Rounded the way Xero rounds: ties away from zero (facts: 34.25 x 10% = 3.43)."""
    return value.quantize(_UNITS[places], rounding=ROUND_HALF_UP, context=EXACT)


def from_minor(units: int, currency: str) -> Decimal:
    """An amount in whole minor units (1250, "GBP") as a decimal (12.50); TypeError for a float."""
    places = minor_digits(currency)
    return EXACT.quantize(EXACT.scaleb(units, -places), _UNITS[places])


def to_text(value: Decimal) -> str:
    """The plain decimal text of an amount, without an exponent and without a negative zero."""
    return format(value if value else abs(value), "f")
