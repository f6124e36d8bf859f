"""Sums to the penny, three-way merging, and causes."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.commands import DocumentLine
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


def _item(account: str, tax_type: str, line_amount: str, tax: str) -> dict[str, str]:
    return {"AccountCode": account, "TaxType": tax_type, "LineAmount": line_amount, "TaxAmount": tax}


def _booked(lines: Sequence[DocumentLine]) -> dict[str, Any]:
    """A credit note of these lines as Xero holds it."""
    items = [_item(one.account_code, one.tax_type, str(one.unit_amount), str(one.tax_amount)) for one in lines]
    return {"LineAmountTypes": "Inclusive", "LineItems": items}


def test_a_full_refund_mirrors_the_invoice_exactly() -> None:
    body = {
        "LineAmountTypes": "Inclusive",
        "LineItems": [
            _item("200", "OUTPUT2", "20.02", "3.34"),
            _item("200", "OUTPUT2", "-0.99", "-0.17"),
            {"AccountCode": "425", "TaxType": "OUTPUT2", "LineAmount": 4},
        ],
    }
    lines = spread.over_invoice(Decimal("23.03"), "GBP", body, (), "Refund of S1-1")
    assert [(line.account_code, line.unit_amount, line.tax_amount) for line in lines] == [
        ("200", Decimal("19.03"), Decimal("3.17")),
        ("425", Decimal("4.00"), Decimal(0)),
    ]
    yen = spread.over_invoice(Decimal(10), "JPY", body, (), "Refund")
    assert [line.unit_amount for line in yen] == [Decimal(8), Decimal(2)]


def test_the_tax_that_was_charged_line_by_line_goes_back_and_not_what_the_sum_would_bear() -> None:
    # Three lines of 0.99, each with 0.17 of tax (0.165): of 2.97 in one line Xero would make 0.50.
    body = {"LineAmountTypes": "Inclusive", "LineItems": [_item("200", "OUTPUT2", "0.99", "0.17")] * 3}
    [line] = spread.over_invoice(Decimal("2.97"), "GBP", body, (), "Refund")
    assert line.tax_amount == Decimal("0.51")


@given(
    st.lists(st.tuples(st.sampled_from(["200", "201"]), st.integers(1, 9999), st.integers(0, 2000)), min_size=1),
    st.lists(st.integers(1, 5000), max_size=5),
    st.booleans(),
)
def test_refunds_that_together_return_all_return_all_of_the_tax(
    items: list[tuple[str, int, int]], parts: list[int], is_exclusive: bool
) -> None:
    types = "Exclusive" if is_exclusive else "Inclusive"
    found = [(account, Decimal(net) / 100, Decimal(min(tax, net)) / 100) for account, net, tax in items]
    lines = [_item(account, "OUTPUT2", str(net), str(tax)) for account, net, tax in found]
    invoice = {"LineAmountTypes": types, "LineItems": lines}
    whole = sum((net + (tax if is_exclusive else 0) for _, net, tax in found), Decimal(0))
    booked: list[dict[str, Any]] = []
    returned = Decimal(0)
    for part in (*(Decimal(part) / 100 for part in parts), whole):
        refund = min(part, whole - returned)
        if refund > 0:
            booked.append(_booked(spread.over_invoice(refund, "GBP", invoice, booked, "Refund")))
            returned += refund
    for account in {account for account, _, _ in found}:
        back = [one for note in booked for one in note["LineItems"] if one["AccountCode"] == account]
        tax = sum((tax for of, _, tax in found if of == account), Decimal(0))
        net = sum((net for of, net, _ in found if of == account), Decimal(0))
        assert sum(Decimal(one["TaxAmount"]) for one in back) == tax
        assert sum(Decimal(one["LineAmount"]) for one in back) == (net + tax if is_exclusive else net)


def test_what_a_note_credited_elsewhere_takes_nothing_from_the_invoices_own_parts() -> None:
    body = {"LineAmountTypes": "Inclusive", "LineItems": [_item("200", "OUTPUT2", "12.00", "2.00")]}
    elsewhere = {"LineAmountTypes": "Inclusive", "LineItems": [_item("425", "OUTPUT2", "3.00", "0.50")]}
    [line] = spread.over_invoice(Decimal(12), "GBP", body, [elsewhere], "Refund")
    assert (line.unit_amount, line.tax_amount) == (Decimal(12), Decimal(2))


def test_more_than_is_left_is_measured_by_the_whole_invoice() -> None:
    body = {"LineAmountTypes": "Inclusive", "LineItems": [_item("200", "OUTPUT2", "12.00", "2.00")]}
    first = spread.over_invoice(Decimal(12), "GBP", body, (), "Refund")
    [again] = spread.over_invoice(Decimal(6), "GBP", body, [_booked(first)], "Refund")
    assert (again.unit_amount, again.tax_amount) == (Decimal(6), Decimal(1))


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


def test_a_line_comes_to_what_xero_will_make_of_it() -> None:
    ours = {"Quantity": "3", "UnitAmount": "0.3350", "DiscountAmount": "0.10"}
    # 3 x 0.3350 - 0.10 = 0.905, rounded as Xero rounds.
    assert merge({"LineItems": [ours]}, {}, {"LineItems": [{**ours, "LineAmount": 0.91}]}, None).send == {}
    other = merge({"LineItems": [ours]}, {}, {"LineItems": [{**ours, "LineAmount": 0.90}]}, None)
    assert other.conflicts == ("LineItems",)
    assert merge({"LineItems": [{}]}, {}, {"LineItems": [{}]}, None).send == {}


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
