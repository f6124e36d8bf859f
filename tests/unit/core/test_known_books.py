"""What Xero's settings forbid is noticed before anything is sent, and never on the word of something old."""

import datetime as dt
from typing import Any

import pytest

from streams.core import plan
from streams.core.decisions import Waits, Write
from streams.core.known_books import KnownBooks, forbidden, known
from streams.core.plan import ReadDocuments, SendWrites, Settle
from streams.core.results import Back, Rejected
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
