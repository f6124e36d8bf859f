"""Disputes and payouts of Stripe: what moved, once, with its fees."""

import dataclasses
import datetime as dt
from typing import Any

import pytest

from connectors.base import ApiConfig, Events, Normalised, Secret
from connectors.stripe.normalise import normalise
from connectors.stripe.told.payouts import movement
from schemas.codec import canonical
from schemas.commands import Ignored, RefusedEvent
from schemas.events import DisputeClosed, DisputeOpened, PayoutFailed, PayoutPaid, decode_event
from schemas.raw import RawRecord
from tests.unit.receiver.support import NOW
from tests.unit.stripe.billing import dispute, payout, transaction
from tests.unit.stripe.payloads import AT, LIVE, delivered, event, facts, letter

MOMENT = dt.datetime(2026, 11, 24, 9, 30, tzinfo=dt.UTC)
SWEPT = dataclasses.replace(LIVE, api=ApiConfig(url="https://api.example.com", token=Secret("rk")))
OPENED = DisputeOpened(
    dispute_id="du_3PAY",
    payment_id="pi_3PAY",
    gateway="stripe",
    amount="24.00",
    currency="GBP",
    opened_at=MOMENT + dt.timedelta(minutes=1),
    fee="20.00",
)
WON = DisputeClosed(
    dispute_id="du_3PAY",
    payment_id="pi_3PAY",
    gateway="stripe",
    outcome="won",
    closed_at=MOMENT + dt.timedelta(hours=1),
    amount="24.00",
    currency="GBP",
    fee="20.00",
)
BACK = [transaction("adjustment", -2400, 2000), transaction("adjustment", 2400, -2000, created=AT + 3600)]


@pytest.mark.parametrize("type_", ["created", "funds_withdrawn"])
def test_every_event_of_a_dispute_tells_that_it_was_opened_with_one_content(type_: str) -> None:
    found = delivered(event(f"charge.dispute.{type_}", dispute()))
    assert isinstance(found, Events)
    [envelope] = found.envelopes
    assert (envelope.subject, envelope.id) == ("dispute:du_3PAY", f"evt_charge.dispute.{type_}")
    assert decode_event(envelope)[1] == OPENED


@pytest.mark.parametrize("type_", ["closed", "funds_reinstated"])
def test_a_dispute_that_was_won_tells_what_came_back_whichever_event_shows_it(type_: str) -> None:
    found = delivered(event(f"charge.dispute.{type_}", dispute(balance_transactions=BACK, status="won")))
    assert isinstance(found, Events)
    assert [decode_event(envelope)[1] for envelope in found.envelopes] == [OPENED, WON]
    assert [envelope.id.rpartition(":")[2] for envelope in found.envelopes] == ["opened", "closed"]


def test_a_dispute_that_was_won_ends_when_its_money_is_back() -> None:
    assert facts(event("charge.dispute.closed", dispute(status="won"))) == [OPENED]


def test_a_fee_that_comes_back_in_another_currency_is_not_told_as_the_disputes_own() -> None:
    back = [transaction("adjustment", 2800, -2000, currency="eur", created=AT)]
    [fact] = facts(event("charge.dispute.closed", dispute(balance_transactions=back, status="won")))
    assert (fact.amount, fact.currency, fact.fee) == ("24.00", "GBP", None)


@pytest.mark.parametrize(("status", "outcome"), [("lost", "lost"), ("charge_refunded", "withdrawn")])
def test_how_a_dispute_ends(status: str, outcome: str) -> None:
    [fact] = facts(event("charge.dispute.closed", dispute(balance_transactions=[], status=status)))
    assert (type(fact), fact.outcome) == (DisputeClosed, outcome)


@pytest.mark.parametrize(
    "status", ["won", "warning_needs_response", "warning_closed", "needs_response", "a_new_word", None]
)
@pytest.mark.parametrize("type_", ["created", "closed"])
def test_what_has_taken_no_money_is_no_dispute_yet(type_: str, status: str | None) -> None:
    found = delivered(event(f"charge.dispute.{type_}", dispute(balance_transactions=[], status=status)))
    assert isinstance(found, Ignored)
    assert found.reason.startswith(f"the dispute is {status or 'null'} and has taken no money")


def test_a_fee_in_another_currency_is_not_told_as_the_disputes_own() -> None:
    settled = transaction("adjustment", -2800, 2000, currency="eur")
    [fact] = facts(event("charge.dispute.created", dispute(balance_transactions=[settled])))
    assert (fact.amount, fact.currency, fact.fee) == ("24.00", "GBP", None)


def test_a_dispute_without_an_intent_is_of_its_charge() -> None:
    [fact] = facts(event("charge.dispute.created", dispute(payment_intent=None)))
    assert fact.payment_id == "ch_3PAY"
    evidence = letter(event("charge.dispute.created", dispute(payment_intent=None, charge=None)))
    assert (evidence.field, evidence.value) == ("charge", "null")


PAID = PayoutPaid(
    payout_id="po_1", gateway="stripe", net="33.00", currency="GBP", paid_at=MOMENT.replace(hour=0, minute=0)
)


@pytest.mark.parametrize("type_", ["payout.paid", "payout.reconciliation_completed"])
def test_a_payout_is_told_once_it_is_paid(type_: str) -> None:
    assert facts(event(type_, payout())) == [PAID]
    found = delivered(event(type_, payout(status="in_transit")))
    assert found == Ignored("the payout is in_transit: payout.paid tells it once it is paid")


def test_an_automatic_payout_is_left_to_the_sweep_where_there_is_one() -> None:
    told = event("payout.paid", payout())
    assert delivered(told, SWEPT) == Ignored("the sweep tells this payout, with its fees")
    by_hand = event("payout.paid", payout(automatic=False, reconciliation_status="not_applicable"))
    assert facts(by_hand, SWEPT) == [PAID], "Stripe cannot itemise it, so there is nothing to wait for"


def swept(what: str, document: Any) -> Normalised:
    raw = RawRecord(source="stripe-1", connector="stripe", body=canonical(document), received_at=NOW, swept=what)
    return normalise(raw, SWEPT)


def test_what_the_sweep_put_together_has_the_fees() -> None:
    parts = [
        transaction("charge", 4800, 112),
        transaction("refund", -1200, 0),
        transaction("stripe_fee", -188, 0),
        transaction("adjustment", -2400, 2000),
        transaction("payout", -3300, 0),
    ]
    found = swept("payouts", {"payout": payout(), "balance_transactions": parts})
    assert isinstance(found, Events)
    [envelope] = found.envelopes
    assert (envelope.id, envelope.subject, envelope.time) == (
        "sweep:payout:po_1",
        "payout:po_1",
        "2026-11-24T00:00:00+00:00",
    )
    told = decode_event(envelope)[1]
    assert told.fees == "3.00", "those of the charge and Stripe's own; the fee of a dispute is told by the dispute"
    assert told.items == (), "sums name nothing"


@pytest.mark.parametrize(
    ("type_", "source", "amount", "fee", "kind", "identifier"),
    [
        ("charge", {"id": "ch_1", "payment_intent": "pi_1"}, 4800, 112, "payment", "pi_1"),
        ("charge", {"id": "ch_1", "payment_intent": None}, 4800, 112, "payment", "ch_1"),
        ("payment", {"id": "py_1", "payment_intent": {"id": "pi_1"}}, 4800, 112, "payment", "pi_1"),
        ("refund", {"id": "re_1", "payment_intent": "pi_1"}, -1200, 0, "refund", "re_1"),
        ("refund_failure", {"id": "re_1"}, 1200, 0, "refund_failure", "re_1"),
        ("adjustment", {"id": "du_1", "payment_intent": "pi_1"}, -2400, 2000, "dispute", "du_1"),
        ("adjustment", {"id": "dp_1"}, 2400, -2000, "dispute_reversal", "dp_1"),
        ("adjustment", None, 10, 0, "adjustment", "txn_adjustment"),
        ("payout_failure", {"id": "po_0"}, 3300, 0, "payout_failure", "po_0"),
        ("stripe_fee", None, -188, 0, "fee", "txn_stripe_fee"),
        ("topup", "tu_1", 500, 0, "other", "tu_1"),
    ],
)
def test_what_a_payout_contains_is_named_as_it_is_told_by_itself(
    type_: str, source: Any, amount: int, fee: int, kind: str, identifier: str
) -> None:
    moved = movement(transaction(type_, amount, fee, source=source))
    found = swept("payouts", {"payout": payout(), "balance_transactions": [moved, transaction("payout", -3300, 0)]})
    assert isinstance(found, Events)
    [item] = decode_event(found.envelopes[0])[1].items
    assert (item.kind, item.id) == (kind, identifier)
    assert (item.amount, item.fee) == (f"{amount / 100:.2f}", f"{fee / 100:.2f}")
    assert item.description == (type_ if kind in ("fee", "adjustment", "other") else None)


def test_a_payout_in_another_currency_than_its_parts_is_a_letter() -> None:
    found = swept("payouts", {"payout": payout(), "balance_transactions": [transaction(currency="eur")]})
    assert isinstance(found, RefusedEvent)
    assert (found.evidence.field, found.evidence.value) == ("balance_transactions.currency", "eur")


def test_a_payout_of_test_mode_is_not_told() -> None:
    found = swept("payouts", {"payout": payout(livemode=False), "balance_transactions": []})
    assert found == Ignored("Stripe's test-mode data does not reach live books")


def test_a_sweep_of_something_else_is_a_letter() -> None:
    found = swept("products", {})
    assert isinstance(found, RefusedEvent)
    assert (found.evidence.field, found.evidence.value) == ("ls_swept", "products")


def test_money_that_stripe_takes_from_the_bank_is_below_zero() -> None:
    [fact] = facts(event("payout.paid", payout(amount=-500)))
    assert fact.net == "-5.00"


@pytest.mark.parametrize(("before", "told"), [(None, True), ("paid", True), ("in_transit", False), ("pending", False)])
def test_a_payout_that_failed_after_it_was_paid_is_told(before: str | None, told: bool) -> None:
    failed = payout(status="failed", failure_code="account_closed")
    document = event("payout.failed", failed, {"status": before} if before else None)
    if not told:
        assert delivered(document) == Ignored("the payout failed before it was paid: no money moved")
        return
    expected = PayoutFailed(payout_id="po_1", gateway="stripe", failed_at=MOMENT, reason="account_closed")
    assert facts(document) == [expected]
