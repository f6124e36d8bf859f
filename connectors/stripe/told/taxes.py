"""The taxes of an invoice's lines: old API versions call them `tax_amounts`, those since 2025-03-31 `taxes`.

What they say of the rate is its id. Its percentage stands in the line's or the invoice's list of rates, if it was set
there by hand; where Stripe Tax chose it, it has to be reckoned from the amounts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from connectors.stripe.told.reading import get, named, several, whole
from schemas.codec import Refused, shorten
from schemas.money import EXACT, round_half_up, to_text

_PLACES_MAX: Final = 4
_HUNDRED: Final = Decimal(100)


@dataclass(frozen=True, slots=True)
class Tax:
    """One tax of one line, in minor units; `taxable` is what it is a share of, without it."""

    amount: int
    taxable: int | None
    is_included: bool
    rate: str | None
    percent: Decimal | None


class Rates:
    """The percentages of an invoice's tax rates, by their ids."""

    def __init__(self, invoice: Mapping[str, Any], lines: Sequence[Any]) -> None:
        lists = [several(invoice, "default_tax_rates"), *(several(line, "tax_rates") for line in lines)]
        self._stated = {
            identifier: percent
            for rates in lists
            for rate in rates
            if (identifier := _text(get(rate, "id"))) and (percent := _percentage(rate)) is not None
        }
        alike: dict[str | None, list[Tax]] = {}
        for tax in (tax for line in lines for tax in read(line)):
            alike.setdefault(tax.rate, []).append(tax)
        # Over all lines together: of a few pennies many rates would do.
        self._reckoned = {rate: _reckoned(taxes) for rate, taxes in alike.items() if rate is not None}

    def of(self, taxes: Iterable[Tax]) -> str | None:
        """The percentage of these taxes together; None where one is not known."""
        found = [self._one(tax) for tax in taxes]
        known = [percent for percent in found if percent is not None]
        if not known or len(known) < len(found):
            return None
        return to_text(EXACT.normalize(sum(known, Decimal(0))))

    def _one(self, tax: Tax) -> Decimal | None:
        if tax.percent is not None:
            return tax.percent
        if tax.rate is not None and tax.rate in self._stated:
            return self._stated[tax.rate]
        if tax.rate is not None and tax.rate in self._reckoned:
            return self._reckoned[tax.rate]
        return _reckoned([tax])


def read(line: Any) -> list[Tax]:
    """The taxes of a line, in both shapes."""
    new = [
        _tax(one, get(one, "tax_behavior") == "inclusive", "tax_rate_details.tax_rate")
        for one in several(line, "taxes")
    ]
    return new or [_tax(one, get(one, "inclusive") is True, "tax_rate") for one in several(line, "tax_amounts")]


def read_shipping(cost: Mapping[str, Any], *, is_included: bool) -> list[Tax]:
    """The taxes of an invoice's shipping, which shows their rates."""
    found = [_tax(one, is_included, "rate") for one in several(cost, "taxes")]
    if found or not whole(cost, "amount_tax"):
        return found
    return [Tax(whole(cost, "amount_tax"), whole(cost, "amount_subtotal"), is_included, None, None)]


def _tax(one: Any, is_included: bool, rate: str) -> Tax:
    return Tax(
        amount=whole(one, "amount"),
        taxable=None if get(one, "taxable_amount") is None else whole(one, "taxable_amount"),
        is_included=is_included,
        rate=named(one, rate),
        percent=_percentage(get(one, rate)),
    )


def _percentage(rate: Any) -> Decimal | None:
    """What was in effect, where Stripe chose it, or else what the rate says."""
    found = get(rate, "effective_percentage")
    found = get(rate, "percentage") if found is None else found
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < 1000:
        raise Refused("tax_rate.percentage", shorten(found), "a percentage such as 20")
    # The shortest text that means this number is what Stripe wrote.
    return EXACT.normalize(Decimal(str(found)))


def _reckoned(taxes: Sequence[Tax]) -> Decimal | None:
    """The roundest percentage that makes these taxes, each rounded to a minor unit; None where none does."""
    amount = Decimal(sum(tax.amount for tax in taxes))
    taxable = Decimal(sum(tax.taxable or 0 for tax in taxes))
    if not amount:
        return Decimal(0)
    if not taxable or not 0 < (share := EXACT.divide(EXACT.multiply(amount, _HUNDRED), taxable)) < 1000:
        return None
    halves = EXACT.divide(Decimal(len(taxes)), Decimal(2))
    for places in range(_PLACES_MAX):
        rounded = round_half_up(share, places)
        made = EXACT.divide(EXACT.multiply(rounded, taxable), _HUNDRED)
        # A tax that is in the price takes what was rounded from its own base.
        grown = EXACT.divide(EXACT.multiply(halves, rounded), _HUNDRED) if taxes[0].is_included else Decimal(0)
        if abs(EXACT.subtract(made, amount)) <= EXACT.add(halves, grown):
            return rounded
    return round_half_up(share, _PLACES_MAX)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
