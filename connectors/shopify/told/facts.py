"""A fact that Shopify tells, and the small things that all of them need."""

import datetime as dt
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Final, NamedTuple

from connectors.shopify.told import shapes
from schemas.codec import Refused, shorten
from schemas.events.fields import Contract
from schemas.money import EXACT, parse_amount, parse_decimal, to_text

_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Fact(NamedTuple):
    """One domain event to be. `at` is the fact's own time and `sequence` the entity's version, so that a webhook and a
    sweep tell the same; `part` tells the fact from others of one delivery."""

    subject: str
    at: dt.datetime
    data: Contract
    part: str
    sequence: int | None = None


Told = tuple[Fact, ...] | str
"""The facts, the first of which is what the delivery is about; or in words why there is none."""


def utc(moment: dt.datetime, path: str) -> dt.datetime:
    """The moment in UTC; Refused for one that no business has."""
    try:
        found = moment.astimezone(dt.UTC)
    except OverflowError:
        found = _EPOCH - dt.timedelta(seconds=1)
    if found < _EPOCH:
        raise Refused(path, moment.isoformat(), "a time since 1970")
    return found


def version(moment: dt.datetime, path: str) -> int:
    """What orders the states of one thing: when it changed last, in milliseconds since 1970."""
    return (utc(moment, path) - _EPOCH) // dt.timedelta(milliseconds=1)


def money(text: str, currency: str) -> str:
    """An amount as we write it: webhooks say "10.00" where GraphQL says "10.0"."""
    return to_text(parse_amount(text, currency))


def total(amounts: Iterable[str]) -> Decimal:
    """Their sum."""
    result = Decimal(0)
    for amount in amounts:
        result = EXACT.add(result, parse_decimal(amount))
    return result


def tax_rate(lines: Iterable[shapes.TaxLine]) -> str | None:
    """The percentage of a line's taxes together; None where it has none, or one without a rate."""
    rates = [line.rate for line in lines]
    found = [rate for rate in rates if rate is not None]
    if not rates or len(found) < len(rates):
        return None
    for rate in found:
        if not rate.is_finite() or not 0 <= rate < 10:
            raise Refused("tax_lines.rate", shorten(str(rate)), "a share such as 0.2")
    return to_text(EXACT.normalize(EXACT.multiply(sum(found, Decimal(0)), Decimal(100))))


def words(text: str | None, characters_max: int = 255) -> str | None:
    """The text as far as it fits; None for a blank one."""
    return (text or "").strip()[:characters_max].strip() or None


def country(address: shapes.Address | None) -> str | None:
    """The address's country, if it is one of ISO 3166-1."""
    code = None if address is None else address.country_code
    return code if code is not None and _COUNTRY.fullmatch(code) else None
