"""Every verdict on a new command, with literals."""

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest
from msgspec.structs import replace

from schemas.commands import AnyPayload, RecordPayment
from schemas.states import CommandState
from streams.core.effects import (
    Conflict,
    Current,
    Existing,
    Incoming,
    Same,
    Superseded,
    Verdict,
    compare,
    encode_payload,
    incoming_of,
    makes_document,
    payload_digest,
    whole_states,
)
from tests.support.ledger import cancel, contact, invoice, payment
from tests.support.rules import commands
from tests.unit.rules.test_rules_payments import REFUND


def existing(
    state: CommandState = "posted",
    *,
    digest: str = "a",
    sequence: int | None = 5,
    posted: str | None = "a",
    linked: bool = True,
) -> Existing:
    return Existing(
        state=state,
        digest=digest,
        highest_sequence=sequence,
        highest_digest=digest,
        posted_digest=posted,
        linked=linked,
    )


def state(digest: str, sequence: int | None) -> Incoming:
    return Incoming(digest=digest, sequence=sequence, full_state=True, ensure=False)


ENSURE = Incoming(digest="new", sequence=None, full_state=True, ensure=True)
FACT_A = Incoming(digest="a", sequence=None, full_state=False, ensure=False)
FACT_B = Incoming(digest="b", sequence=9, full_state=False, ensure=False)
PENDING = existing("pending", posted=None, linked=False)
REJECTED = existing("rejected", posted=None, linked=False)


@pytest.mark.parametrize("incoming", [state("a", 1), ENSURE, FACT_A])
def test_the_first_command_of_an_effect_is_current(incoming: Incoming) -> None:
    assert compare(None, incoming) == Current(supersedes=False)


@pytest.mark.parametrize(
    ("what", "incoming", "verdict"),
    [
        (existing(), state("b", 4), Superseded),
        (PENDING, state("b", 4), Superseded),
        (existing(), state("a", 5), Same),
        (REJECTED, state("a", 5), Same),
        (existing(), state("b", 5), Conflict),
        (existing(), FACT_A, Same),
        (existing("discarded"), FACT_A, Same),
        (existing(), FACT_B, Conflict),
        (REJECTED, FACT_B, Conflict),
        (existing(), state("b", None), Conflict),
        (existing("pending", digest="a", posted=None, linked=False), ENSURE, Same),
        (existing("sent", linked=False), ENSURE, Same),
        (existing("same"), ENSURE, Same),
        (existing("rejected", linked=True), ENSURE, Same),
        (existing("discarded", linked=True), ENSURE, Same),
    ],
)
def test_what_does_not_become_current(what: Existing, incoming: Incoming, verdict: type[Verdict]) -> None:
    assert isinstance(compare(what, incoming), verdict)


@pytest.mark.parametrize(
    ("what", "incoming", "supersedes"),
    [
        (PENDING, state("b", 6), True),
        (REJECTED, state("b", 6), True),
        (existing("sent", posted=None, linked=False), state("b", 6), False),
        (existing("posted"), state("b", 6), False),
        (existing("discarded", posted=None, linked=False), state("b", 6), False),
        (existing("pending", sequence=None, posted=None, linked=False), state("b", 1), True),
        (existing("posted", sequence=None), state("b", 1), False),
        (REJECTED, ENSURE, True),
        (existing("discarded", posted=None, linked=False), ENSURE, False),
        # Back to what was booked, while something else is on its way: it must be sent.
        (existing("pending", digest="b", posted="a"), state("a", 6), True),
        (existing("sent", digest="b", posted="a"), state("a", 6), False),
    ],
)
def test_what_becomes_current(what: Existing, incoming: Incoming, supersedes: bool) -> None:
    verdict = compare(what, incoming)
    assert isinstance(verdict, Current)
    assert verdict.supersedes is supersedes


def test_what_leaves_something_to_tell_is_no_whole_state() -> None:
    sale, gone = invoice("e1"), cancel("e2", sequence=2)
    note, refund = commands("RefundIssued", REFUND, source="stripe-1")
    assert whole_states([sale, gone]) == [sale, gone]
    assert whole_states([cancel("e2", sequence=2, is_paid=True)]) == []
    assert (whole_states([note, refund]), whole_states([note])) == ([note, refund], [])


PAID = payment("e1").payload
assert isinstance(PAID, RecordPayment)
TOMORROW = replace(PAID, date=PAID.date + dt.timedelta(days=1), told_by_several=True)


@pytest.mark.parametrize(
    ("known", "told", "verdict"),
    [
        (PAID, TOMORROW, Same),
        (TOMORROW, replace(PAID, told_by_several=True), Same),
        (PAID, replace(TOMORROW, told_by_several=False), Conflict),
        (PAID, replace(TOMORROW, amount=Decimal("9.99")), Conflict),
        (PAID, replace(TOMORROW, date=PAID.date + dt.timedelta(days=2)), Conflict),
        (PAID, replace(PAID, currency="EUR", told_by_several=True), Conflict),
        (cancel("e1", sequence=1).payload, TOMORROW, Conflict),
    ],
)
def test_a_payment_that_several_events_tell_may_have_two_days(
    known: AnyPayload, told: RecordPayment, verdict: type[Verdict]
) -> None:
    """One of them came a moment before midnight, the other one after it."""
    booked = dataclasses.replace(existing(digest="a"), payload=encode_payload(known).decode())
    incoming = Incoming(digest="b", sequence=None, full_state=False, ensure=False, payload=told)
    assert isinstance(compare(booked, incoming), verdict)


@pytest.mark.parametrize("what", [PENDING, REJECTED])
def test_a_cancellation_of_what_was_paid_for_lets_the_sale_be_booked_first(what: Existing) -> None:
    spares = Incoming(digest="c", sequence=6, full_state=True, ensure=False, spares=True)
    verdict = compare(what, spares)
    assert isinstance(verdict, Current)
    assert not verdict.supersedes
    assert incoming_of(cancel("e1", sequence=3, is_paid=True)).spares
    assert not incoming_of(cancel("e1", sequence=3)).spares


def test_a_newer_version_with_the_booked_content_needs_no_call_but_raises_the_sequence() -> None:
    verdict = compare(existing(), state("a", 6))
    assert isinstance(verdict, Same)
    assert verdict.raises_sequence


def test_ensure_and_update_of_a_contact_differ_and_equal_payloads_do_not() -> None:
    assert payload_digest(contact("e1").payload) == payload_digest(contact("e2").payload)
    assert payload_digest(contact("e1").payload) != payload_digest(contact("e1", ensure=False).payload)


def test_what_is_compared_of_a_command() -> None:
    assert incoming_of(contact("e1")).ensure
    assert not incoming_of(contact("e1", ensure=False)).ensure
    assert incoming_of(cancel("e1", sequence=3)).sequence == 3
    assert not incoming_of(payment("e1")).full_state
    assert makes_document(invoice("e1").payload)
