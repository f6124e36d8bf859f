"""Sums to the penny, three-way merging, and causes."""

import datetime as dt
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.states import Cause
from streams.core import spread
from streams.core.merge import merge
from streams.core.reactions import reaction_to, retry_at
from tests.unit.sender.values import NOW

_amounts = st.decimals(min_value=Decimal("0.01"), max_value=Decimal("99999.99"), places=2)


@given(_amounts, st.lists(_amounts, min_size=1, max_size=30))
def test_shares_sum_up_to_the_penny_and_keep_proportion(total: Decimal, weights: list[Decimal]) -> None:
    parts = spread.shares(total, weights, 2)
    assert sum(parts) == total
    whole = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        assert part == part.quantize(Decimal("0.01"))
        assert abs(part - total * weight / whole) < Decimal("0.01")


@given(_amounts, st.lists(_amounts, min_size=2, max_size=9), _amounts)
def test_shares_with_a_discount_sum_up_too(total: Decimal, weights: list[Decimal], discount: Decimal) -> None:
    weights = [*weights, -min(discount, sum(weights, Decimal(0)) / 2)]
    assert sum(spread.shares(total, weights, 2)) == total


def test_shares_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="sum to zero"):
        spread.shares(Decimal(1), [Decimal(1), Decimal(-1)], 2)
    with pytest.raises(ValueError, match="sum to zero"):
        spread.shares(Decimal(1), [], 2)
    with pytest.raises(ValueError, match="decimals"):
        spread.shares(Decimal("1.005"), [Decimal(1)], 2)


def test_a_full_refund_mirrors_the_invoice_exactly() -> None:
    body = {
        "LineAmountTypes": "Inclusive",
        "LineItems": [
            {"AccountCode": "200", "TaxType": "OUTPUT2", "LineAmount": "20.02"},
            {"AccountCode": "200", "TaxType": "OUTPUT2", "LineAmount": "-0.99"},
            {"AccountCode": "425", "TaxType": "OUTPUT2", "LineAmount": 4},
        ],
    }
    lines = spread.over_invoice(Decimal("23.03"), "GBP", body, "Refund of S1-1")
    assert [(line.account_code, line.unit_amount) for line in lines] == [
        ("200", Decimal("19.03")),
        ("425", Decimal("4.00")),
    ]
    yen = spread.over_invoice(Decimal(10), "JPY", body, "Refund")
    assert [line.unit_amount for line in yen] == [Decimal(8), Decimal(2)]


@pytest.mark.parametrize(
    ("wanted", "posted", "standing", "send", "conflicts"),
    [
        ("b", "a", "a", {"Reference": "b"}, ()),
        ("a", "a", "c", {}, ()),
        ("b", "a", "c", {}, ("Reference",)),
        ("b", "a", "b", {}, ()),
        ("b", None, "c", {"Reference": "b"}, ()),
        ("b", "a", "", {"Reference": "b"}, ()),
        (" a  b ", "x", "a b", {}, ()),
    ],
)
def test_merging_one_field(
    wanted: str, posted: str | None, standing: str, send: dict[str, str], conflicts: tuple[str, ...]
) -> None:
    before = None if posted is None else {"Reference": posted}
    merged = merge({"Reference": wanted}, before, {"Reference": standing}, None)
    assert (merged.send, merged.conflicts) == (send, conflicts)


def test_amounts_compare_by_value_and_dates_by_day() -> None:
    wanted = {"CurrencyRate": "1.20", "Date": "2026-11-20"}
    standing = {"CurrencyRate": Decimal("1.2000"), "Date": "/Date(1795132800000+0000)/"}
    assert merge(wanted, {}, standing, None).send == {}


def test_every_cause_has_its_reaction() -> None:
    found = {cause: reaction_to(cause) for cause in get_args(Cause)}
    assert found == {
        "transient": "retry",
        "throttled": "retry",
        "quota": "retry",
        "dependency": "hold",
        "upgrade": "hold",
        "auth": "stop",
        "scope": "stop",
        "disconnected": "stop",
        "data": "dead_letter",
        "period_locked": "dead_letter",
        "archived_contact": "dead_letter",
        "poison": "dead_letter",
        "bug": "dead_letter",
        "conflict": "question",
        "difference": "question",
    }


def test_retries_come_later_each_time_but_not_for_ever_later() -> None:
    waits = [(retry_at(NOW, attempts) - NOW).total_seconds() for attempts in range(12)]
    assert waits[:4] == [2.0, 4.0, 8.0, 16.0]
    assert max(waits) == 300.0
    assert retry_at(NOW, 9, 26.0) == NOW + dt.timedelta(seconds=26)
