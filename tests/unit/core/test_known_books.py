"""What Xero's settings forbid is noticed before anything is sent, and never on the word of something old."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from connectors.xero import elements
from schemas.commands import CancelInvoice, ReversePayment
from schemas.keys import mark
from streams.core import plan
from streams.core.decisions import Waits, Write
from streams.core.known_books import UNREAD, KnownBooks, forbidden, known
from streams.core.plan import SendWrites, Settle
from streams.core.results import Back, Rejected
from streams.core.situation import Document, ReadyCommand
from tests.unit.sender.values import (
    CONTACT,
    DAY,
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
    # A period that has ended may have been closed since.
    assert isinstance(looked_at(order(), books(read_at=AN_HOUR_AGO)), Waits)
    assert isinstance(looked_at(change(), books(read_at=AN_HOUR_AGO)), Waits)
    assert isinstance(looked_at(order(), UNREAD), Waits)
    # Today's business does not wait for that, nor what was read a moment ago, nor what is in no period.
    today = ready(invoice(date=NOW.date() - dt.timedelta(days=1)), link(ORDER), depends_on=(PERSON,))
    assert isinstance(plan.next_step(situation(today), RATES, books=books(read_at=AN_HOUR_AGO)), SendWrites)
    assert looked_at(order(), books(read_at=NOW - dt.timedelta(minutes=10))) is None
    assert looked_at(cancelled("DRAFT"), books(read_at=AN_HOUR_AGO)) is None


def test_a_replay_goes_to_xero() -> None:
    assert looked_at(order(revision=2), books("2099-01-01")) is None


def change(status: str = "AUTHORISED", **changed: Any) -> ReadyCommand:
    """A newer version of the order whose invoice stands in Xero with its first day and a status."""
    held = document("Invoices", "invoice-id", standing(Status=status))
    wanted = invoice(**(changed or {"lines": (line("12.00"),), "total": Decimal("24.00")}))
    first = invoice(status="DRAFT" if status == "DRAFT" else "AUTHORISED")
    posted = elements.invoice(first, "contact-id", mark(ORDER))
    return ready(wanted, link(ORDER, "Invoices", "invoice-id", document=held, posted_body=posted), depends_on=(PERSON,))


def cancelled(status: str = "AUTHORISED") -> ReadyCommand:
    held = document("Invoices", "invoice-id", standing(Status=status))
    return ready(CancelInvoice(), link(ORDER, "Invoices", "invoice-id", document=held))


def taken_back(*, known: bool = True) -> ReadyCommand:
    body = {"DateString": f"{DAY}T00:00:00", "Status": "AUTHORISED"}
    held = document("Payments", "payment-id", body) if known else None
    return ready(
        ReversePayment(payment="p#payment", date=DAY),
        link("r#reversal"),
        depends_on=(link("p#payment", "Payments", "payment-id", document=held),),
    )


LATER = DAY + dt.timedelta(days=5)


@pytest.mark.parametrize(
    "command",
    [
        change(),
        change("PAID", due_date=LATER),
        # Neither out of a closed period nor into one.
        change(date=LATER),
        change(date=DAY - dt.timedelta(days=90)),
        # A draft that is approved.
        change("DRAFT"),
        cancelled(),
        taken_back(),
    ],
)
def test_what_stands_in_a_closed_period_is_left_alone(command: ReadyCommand) -> None:
    found = looked_at(command, books(DAY.isoformat()))
    assert isinstance(found, Rejected)
    assert (found.cause, found.evidence.field) == ("period_locked", "Date")
    assert (found.evidence.value or "") <= DAY.isoformat()
    assert "must stay as it is" in found.evidence.message
    assert "nothing was sent" in found.evidence.message
    assert "dlq discard" in (found.evidence.remedy or "")
    assert looked_at(command, books("2026-01-31")) is None


def test_what_is_not_known_is_xeros_to_judge() -> None:
    assert looked_at(taken_back(known=False), books("2099-01-01")) is None


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
    assert known([]) == UNREAD
    assert known(accounts) == UNREAD
    assert known([setting("Organisations", "o", {}), *accounts[:1]]) == books()
