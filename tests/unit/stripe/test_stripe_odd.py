"""Whatever Stripe or a sweep may have changed is an event that fits, a reason or a letter: never an exception."""

import json
from typing import Any

import pytest

from connectors.base import Events
from connectors.stripe.normalise import TYPES, normalise
from schemas.raw import RawRecord
from tests.conformance.bodies import fits, mangled
from tests.unit.receiver.support import NOW
from tests.unit.stripe.billing import credit_note, dispute, invoice, line, payout, transaction
from tests.unit.stripe.payloads import LIVE, charge, event, intent, refund

COST = {"amount_subtotal": 500, "amount_tax": 100, "amount_total": 600, "taxes": [{"amount": 100, "rate": {"id": "t"}}]}
OLD_TAX = {"amount": 400, "inclusive": True, "tax_rate": {"id": "txr", "percentage": 20.0}, "taxable_amount": 2000}
LONG = invoice(line(), line(id="il_2", taxes=None, tax_amounts=[OLD_TAX | {"inclusive": False}]), shipping_cost=COST)
THINGS = {
    "charge": charge(refunds={"data": [refund()]}),
    "payment_intent": intent(),
    "refund": refund(),
    "dispute": dispute(status="lost"),
    "payout": payout(),
    "invoice": LONG,
    "credit_note": credit_note(refunds=[], out_of_band_amount=1200),
}
KINDS = {"charge.dispute": "dispute", "charge.refund.": "refund"}


def thing_of(type_: str) -> dict[str, Any]:
    """What an event of this type is about."""
    special = next((kind for start, kind in KINDS.items() if type_.startswith(start)), None)
    return THINGS[special or type_.partition(".")[0]]


def odd_ones(document: Any, swept: str | None) -> int:
    """How many odd variants of the document still tell an event; each of them fits its type."""
    found = 0
    for odd in mangled(document):
        body = json.dumps(odd).encode()
        raw = RawRecord(source="stripe-1", connector="stripe", body=body, received_at=NOW, swept=swept)
        outcome = normalise(raw, LIVE)
        if isinstance(outcome, Events):
            found += 1
            for one in outcome.envelopes:
                fits(one)
    return found


@pytest.mark.parametrize("type_", TYPES)
def test_odd_events(type_: str) -> None:
    assert odd_ones(event(type_, thing_of(type_)), "events") > 20


@pytest.mark.parametrize(
    ("swept", "document"),
    [
        ("payouts", {"payout": payout(), "balance_transactions": [transaction(), transaction("stripe_fee", -50, 0)]}),
        ("invoices", {"invoice": LONG}),
    ],
)
def test_odd_finds_of_a_sweep(swept: str, document: dict[str, Any]) -> None:
    assert odd_ones(document, swept) > 20
