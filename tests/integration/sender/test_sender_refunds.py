"""Refunds: of a payment that alone is named, in parts, of more than was sold, and in another currency."""

from decimal import Decimal
from pathlib import Path

import pytest

from schemas.commands import DocumentLine
from tests.integration.sender.stream import Stream, line
from tests.integration.sender.world import World, world


def _returned(w: World) -> None:
    books = w.books()
    [invoice] = books["invoices"]
    [note] = books["credit_notes"]
    assert invoice["status"] == "PAID"
    assert note["status"] == "PAID"
    assert note["contact_id"] == invoice["contact_id"]
    assert Decimal(note["total"]) == Decimal("10.00")
    assert sorted(Decimal(one["amount"]) for one in books["payments"]) == [Decimal("10.00"), Decimal("22.34")]


async def _feed_paid_order(w: World, stream: Stream) -> None:
    stream.order("1001")
    stream.payment("1001", "22.34")
    await w.feed(stream.records)
    await w.until_quiet()


async def test_the_invoice_that_the_payment_paid_is_credited(tmp_path: Path) -> None:
    stream = Stream()
    async with world(tmp_path) as w:
        await _feed_paid_order(w, stream)
        await w.feed([stream.refund("1001", "10.00", payment="pi_1001")])
        await w.until_quiet()
        assert set(w.commands().values()) == {"posted"}
        _returned(w)


async def test_a_refund_before_its_payment_and_order_waits_for_both(tmp_path: Path) -> None:
    stream = Stream()
    refund = stream.refund("1001", "10.00", payment="pi_1001")
    payment = stream.payment("1001", "22.34")
    order = stream.order("1001")
    async with world(tmp_path) as w:
        for record in (refund, payment):
            await w.feed([record])
            await w.until_quiet()
            assert set(w.commands().values()) == {"pending"}
            assert not w.books()["credit_notes"]
        await w.feed([order])
        await w.until_quiet()
        assert set(w.commands().values()) == {"posted"}
        _returned(w)


async def test_refunds_that_return_all_return_the_tax_to_the_penny_and_no_more_goes_back(tmp_path: Path) -> None:
    stream = Stream()
    async with world(tmp_path) as w:
        await _feed_paid_order(w, stream)
        of_payment = stream.refund("1001", "7.45", payment="pi_1001", part="a")
        # Together in one run: each must know of those before it.
        await w.feed([of_payment, stream.refund("1001", "7.44", part="b"), stream.refund("1001", "7.45", part="c")])
        await w.until_quiet()
        books = w.books()
        [invoice] = books["invoices"]
        for name in ("total", "total_tax"):
            assert sum(Decimal(note[name]) for note in books["credit_notes"]) == Decimal(invoice[name]), name
        await w.feed([stream.refund("1001", "0.01", part="d")])
        await w.until_quiet()
        [question] = w.questions()
        assert (question["kind"], question["command_id"]) == ("refund_above_sale", "stripe-1:refund-1001d#credit_note")
        assert len(w.books()["credit_notes"]) == 3


_TEA = line("Tea", "1", "3.33", "RROUTPUT")
_MUG = line("Mug", "1", "3.33", "OUTPUT2")


async def test_what_a_refund_was_for_is_credited_where_it_is_told_before_it_is_booked(tmp_path: Path) -> None:
    stream = Stream()
    async with world(tmp_path) as w:
        await _feed_paid_order(w, stream)
        await w.feed([stream.refund("1001", "3.33", payment="pi_1001"), stream.credited("1001", "3.33", _TEA)])
        await w.until_quiet()
        [note] = w.books()["credit_notes"]
        # 5 % of it, and not the share of what the invoice charged.
        assert (note["total"], note["total_tax"], note["status"]) == ("3.33", "0.16", "PAID")
        assert (w.letters(), w.questions()) == ([], [])


@pytest.mark.parametrize(("sold", "is_alike"), [(_MUG, True), (_TEA, False)])
async def test_what_a_refund_was_for_is_compared_with_the_books_where_it_is_told_later(
    tmp_path: Path, sold: DocumentLine, is_alike: bool
) -> None:
    stream = Stream()
    order = stream.order("1001", lines=(line("Mug", "2", "10.00", "OUTPUT2"),), total=Decimal("20.00"))
    async with world(tmp_path) as w:
        await w.feed([order, stream.payment("1001", "20.00"), stream.refund("1001", "3.33", payment="pi_1001")])
        await w.until_quiet()
        await w.feed([stream.credited("1001", "3.33", sold)])
        await w.until_quiet()
        assert w.commands()["stripe-1:credited-1001#credit_note"] == ("same" if is_alike else "rejected")
        assert len(w.letters()) == (0 if is_alike else 1)
        [note] = w.books()["credit_notes"]
        assert (note["total"], note["status"]) == ("3.33", "PAID")


async def test_a_payment_in_another_currency_is_a_letter_and_no_payment(tmp_path: Path) -> None:
    stream = Stream()
    stream.order("1001")
    stream.payment("1001", "22.34", currency="EUR")
    async with world(tmp_path) as w:
        await w.feed(stream.records)
        await w.until_quiet()
        [letter] = w.letters()
        assert '"field":"currency"' in letter["evidence"]
        assert "in EUR" in letter["evidence"]
        assert not w.books()["payments"]


async def test_a_refund_that_came_first_and_had_to_wait_counts_what_was_credited_meanwhile(tmp_path: Path) -> None:
    stream = Stream()
    order = stream.order("1001")
    of_payment = stream.refund("1001", "20.00", payment="pi_1001", part="a")
    of_order = stream.refund("1001", "20.00", part="b")
    async with world(tmp_path) as w:
        await w.feed([order, of_payment, of_order])
        await w.until_quiet()
        assert [note["number"] for note in w.books()["credit_notes"]] == ["CN-1001b"]
        await w.feed([stream.payment("1001", "22.34")])
        await w.until_quiet()
        [question] = w.questions()
        assert (question["kind"], question["command_id"]) == ("refund_above_sale", "stripe-1:refund-1001a#credit_note")
        assert len(w.books()["credit_notes"]) == 1
