"""What Xero's settings forbid is noticed before anything is sent, and never on the word of something old."""

import datetime as dt
from typing import Any

import pytest

from schemas.commands import RecordPayment
from schemas.keys import mark
from streams.core import plan
from streams.core.decisions import Waits, Write
from streams.core.known_books import KnownBooks, forbidden, known
from streams.core.plan import ReadDocuments, SendWrites, Settle
from streams.core.results import Asked, Back, Posted, Rejected
from streams.core.situation import Document, ReadyCommand
from tests.unit.sender.values import (
    CONTACT,
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

AN_HOUR_AGO = NOW - dt.timedelta(hours=1)
PERSON = link(CONTACT, "Contacts", "contact-id")
INVOICED = link(ORDER, "Invoices", "invoice-id")


def books(locked_until: str | None = None, *archived: str, read_at: dt.datetime = NOW) -> KnownBooks:
    return KnownBooks(locked_until=locked_until, archived=frozenset(archived), read_at=read_at)


def order(**more: Any) -> ReadyCommand:
    return ready(invoice(), link(ORDER), depends_on=(PERSON,), **more)


def money(**more: Any) -> ReadyCommand:
    return ready(payment(), link("p#payment"), depends_on=(INVOICED,), **more)


def looked_at(command: ReadyCommand, found: KnownBooks) -> Rejected | Waits | None:
    decision = plan.decided(command, RATES)
    assert isinstance(decision, Write)
    return forbidden(command, decision, found, NOW)


def test_a_locked_period_is_respected_before_xero_says_so() -> None:
    date = invoice().date.isoformat()
    found = looked_at(order(), books(date))
    assert isinstance(found, Rejected)
    assert (found.cause, found.evidence.field, found.evidence.value) == ("period_locked", "Date", date)
    assert "nothing was sent" in found.evidence.message
    assert "lock date" in (found.evidence.remedy or "")
    assert found.evidence.xero_validation == ()
    day_before = (invoice().date - dt.timedelta(days=1)).isoformat()
    assert looked_at(order(), books(day_before)) is None
    assert isinstance(looked_at(money(), books("2099-01-01")), Rejected)


@pytest.mark.parametrize(("code", "field"), [("200", "AccountCode"), ("091", "Account.Code")])
def test_an_archived_account_is_noticed(code: str, field: str) -> None:
    command = order() if field == "AccountCode" else money()
    found = looked_at(command, books(None, code))
    assert isinstance(found, Rejected)
    assert (found.cause, found.evidence.field, found.evidence.value) == ("data", field, code)
    assert looked_at(command, books(None, "999")) is None


def test_what_is_hours_old_is_read_anew_first() -> None:
    old = books("2099-01-01", read_at=AN_HOUR_AGO)
    assert isinstance(looked_at(order(), old), Waits)
    step = plan.next_step(situation(order()), RATES, books=old)
    assert isinstance(step, Settle)
    assert isinstance(step.results[0], Back)
    # What nothing forbids does not wait for that.
    assert isinstance(plan.next_step(situation(order()), RATES, books=books(read_at=AN_HOUR_AGO)), SendWrites)


def test_a_replay_goes_to_xero() -> None:
    assert looked_at(order(revision=2), books("2099-01-01")) is None


def test_an_update_is_xeros_to_judge() -> None:
    standing_one = document("Invoices", "invoice-id", standing())
    changed = invoice(lines=(line("12.00"),), total=invoice().total + 4)
    command = ready(
        changed, link(ORDER, "Invoices", "invoice-id", document=standing_one, posted_body={}), depends_on=(PERSON,)
    )
    step = plan.next_step(situation(command), RATES, books=books("2099-01-01"))
    assert not isinstance(step, ReadDocuments)
    assert not (isinstance(step, Settle) and isinstance(step.results[0], Rejected))


def setting(resource: Any, xero_id: str, body: dict[str, Any], read_at: dt.datetime = NOW) -> Document:
    return Document(resource=resource, xero_id=xero_id, body=body, read_at=read_at)


def test_what_the_settings_say() -> None:
    organisation = setting(
        "Organisations",
        "o",
        {"PeriodLockDate": "/Date(1774915200000+0000)/", "EndOfYearLockDate": "/Date(1767139200000+0000)/"},
        AN_HOUR_AGO,
    )
    accounts = [
        setting("Accounts", "a", {"Code": "200", "Status": "ACTIVE"}),
        setting("Accounts", "b", {"Code": "201", "Status": "ARCHIVED"}),
        setting("Accounts", "c", {"Status": "ARCHIVED"}),
    ]
    found = known([organisation, *accounts])
    assert found == books("2026-03-31", "201", read_at=AN_HOUR_AGO)
    assert known([]) is None
    assert known(accounts) is None
    assert known([setting("Organisations", "o", {}), *accounts[:1]]) == books()


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
