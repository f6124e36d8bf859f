"""Money that a person recorded in Xero is not booked a second time, known or not."""

import datetime as dt
from typing import Any

import pytest

from schemas.commands import RecordPayment
from schemas.keys import mark
from streams.core import plan
from streams.core.decisions import Write
from streams.core.plan import ReadDocuments, SendWrites, Wait
from streams.core.results import Asked, Posted
from streams.core.situation import ReadyCommand
from tests.unit.sender.values import (
    NOW,
    ORDER,
    RATES,
    document,
    invoice,
    line,
    link,
    payment,
    ready,
    situation,
    standing,
)

MINUTE = dt.timedelta(minutes=1)


def part(known: dt.timedelta, came: dt.timedelta, *, due: str = "40.00", **more: Any) -> ReadyCommand:
    """A payment of 20.00 that came so long ago, on an invoice that was read so long ago and owed `due` then."""
    read = document("Invoices", "invoice-id", standing(AmountDue=due), NOW - known)
    invoiced = link(ORDER, "Invoices", "invoice-id", number="S1-1001", document=read)
    return ready(payment(), link("p#payment"), depends_on=(invoiced,), taken_in=NOW - came, **more)


def test_an_invoice_that_has_room_for_the_money_twice_is_read_first() -> None:
    step = plan.next_step(situation(part(2 * MINUTE, MINUTE)), RATES)
    assert isinstance(step, ReadDocuments)
    assert (step.resource, step.ids) == ("Invoices", ("invoice-id",))
    # Its reading is under way.
    assert isinstance(plan.next_step(situation(part(2 * MINUTE, MINUTE)), RATES, {"invoice-id"}), Wait)


@pytest.mark.parametrize(
    "command",
    [
        # Xero itself refuses what is more than owed.
        part(60 * MINUTE, MINUTE, due="39.99"),
        # Nothing is known of what it owes: Xero judges.
        part(60 * MINUTE, MINUTE, due=""),
        # The invoice was booked, or read, when the payment had come, and so was one told a moment before its payment.
        part(MINUTE, 2 * MINUTE),
        part(14 * MINUTE, 60 * MINUTE),
        part(MINUTE, MINUTE - dt.timedelta(seconds=5)),
        # A person said so.
        part(60 * MINUTE, MINUTE, decision="source"),
    ],
)
def test_other_payments_need_no_reading(command: ReadyCommand) -> None:
    assert isinstance(plan.next_step(situation(command), RATES), SendWrites)


def test_what_waited_for_long_is_read_again() -> None:
    assert isinstance(plan.next_step(situation(part(16 * MINUTE, 60 * MINUTE)), RATES), ReadDocuments)


def test_only_payments_are_held_up_by_that() -> None:
    changed = invoice(lines=(line("12.00"),), total=invoice().total + 4)
    assert isinstance(plan.next_step(situation(ready(changed)), RATES), SendWrites)


HAND = {"PaymentID": "hand", "Amount": "22.34", "Reference": "bank", "DateString": "2026-11-21T00:00:00"}


def paid(command: RecordPayment, **hand: Any) -> Any:
    body = standing(Payments=[{**HAND, "Amount": str(command.amount), **hand}])
    invoiced = link(
        ORDER, "Invoices", "invoice-id", number="S1-1001", document=document("Invoices", "invoice-id", body)
    )
    return lambda **more: plan.decided(ready(command, link("p#payment"), depends_on=(invoiced,), **more), RATES)


def test_a_payment_by_hand_of_the_same_amount_is_a_question() -> None:
    near = (payment().date + dt.timedelta(days=2)).isoformat()
    decide = paid(payment(), DateString=near)
    found = decide()
    assert isinstance(found, Asked)
    assert (found.kind, [one.name for one in found.options]) == ("paid_by_hand", ["adopt", "source"])
    assert found.theirs["PaymentID"] == "hand"
    adopted = decide(decision="adopt")
    assert isinstance(adopted, Posted)
    assert (adopted.resource, adopted.xero_id) == ("Payments", "hand")
    assert isinstance(decide(decision="source"), Write)


@pytest.mark.parametrize(
    "hand",
    [
        {"Amount": "1.23"},
        {"Reference": f"pi_1 {mark('other#payment')}"},
        {"DateString": "2026-01-01T00:00:00"},
        {"DateString": None},
    ],
)
def test_other_money_is_no_question(hand: dict[str, Any]) -> None:
    near = {"DateString": payment().date.isoformat()}
    assert isinstance(paid(payment(), **{**near, **hand})(), Write)


def test_payments_that_say_nothing_of_themselves_are_passed_over() -> None:
    body = standing(Payments=[{"PaymentID": "x", "Amount": str(payment().amount), "DateString": "2026-11-20"}])
    invoiced = link(ORDER, "Invoices", "invoice-id", document=document("Invoices", "invoice-id", body))
    assert isinstance(plan.decided(ready(payment(), link("p#payment"), depends_on=(invoiced,)), RATES), Write)
