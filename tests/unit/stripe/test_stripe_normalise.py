"""Stripe's webhooks become domain events: one fact once, the right amount, and nothing of test mode."""

import dataclasses
import datetime as dt
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.base import Events, SourceConfig
from schemas.commands import Command, Commands, Ignored
from schemas.events import PaymentFailed, PaymentReceived, RefundFailed, RefundIssued
from schemas.events.fields import OrderRef
from streams.core.effects import payload_digest
from tests.unit.stripe.payloads import AT, LIVE, TRACE, booked, charge, delivered, event, facts, intent, letter, refund

MOMENT = dt.datetime(2026, 11, 24, 9, 30, tzinfo=dt.UTC)
TEST_MODE = Ignored("Stripe's test-mode data does not reach live books")
PAID = [
    event("payment_intent.succeeded", intent()),
    event("charge.succeeded", charge()),
    event("charge.captured", charge()),
]


def ids(document: Any) -> list[str]:
    found = delivered(document)
    assert isinstance(found, Events)
    return [envelope.id for envelope in found.envelopes]


def commands(document: Any) -> list[Command]:
    outcomes = [record.outcome for record in booked(document)]
    assert all(isinstance(outcome, Commands) for outcome in outcomes), outcomes
    return [command for outcome in outcomes if isinstance(outcome, Commands) for command in outcome.commands]


@pytest.mark.parametrize("document", PAID, ids=lambda document: document["type"])
def test_a_payment_is_received_gross(document: dict[str, Any]) -> None:
    assert facts(document) == [
        PaymentReceived(
            payment_id="pi_3PAY",
            gateway="stripe",
            amount="24.00",
            currency="GBP",
            received_at=MOMENT,
            order=OrderRef(id="1001", source="shop-1"),
            reference="pi_3PAY",
            told_by_several=True,
        )
    ]


def test_the_envelope_of_an_event() -> None:
    found = delivered(PAID[1])
    assert isinstance(found, Events)
    [envelope] = found.envelopes
    assert envelope.attributes() == {
        "specversion": "1.0",
        "id": "evt_charge.succeeded",
        "source": "stripe-1",
        "type": "com.ledgerstream.PaymentReceived.v1",
        "time": "2026-11-24T09:30:00+00:00",
        "subject": "payment:pi_3PAY",
        "traceparent": TRACE,
    }


def test_the_events_of_one_payment_are_one_effect_with_one_content() -> None:
    made = [command for document in PAID for command in commands(document)]
    assert [command.effect_key for command in made] == ["stripe-1:payment:pi_3PAY#payment"] * 3
    assert len({payload_digest(command.payload) for command in made}) == 1
    assert len({command.command_id for command in made}) == 3


def test_events_of_one_payment_on_both_sides_of_midnight_differ_in_nothing_else() -> None:
    """The ledger takes them for one payment, because they say that several tell it."""
    first, second = (facts({**document, "created": AT + at})[0] for at, document in enumerate(PAID[:2]))
    assert first.told_by_several
    assert replace(second, received_at=first.received_at) == first


def test_what_is_captured_in_part_is_received_in_part() -> None:
    part = charge(amount_captured=1000, amount_refunded=1400)
    paid = intent(amount_received=1000, capture_method="manual")
    documents = [event("charge.captured", part), event("payment_intent.succeeded", paid)]
    assert [fact.amount for document in documents for fact in facts(document) if isinstance(fact, PaymentReceived)] == [
        "10.00",
        "10.00",
    ]
    assert len({payload_digest(command.payload) for document in documents for command in commands(document)}) == 1


def test_what_is_only_authorised_is_no_payment() -> None:
    held = charge(captured=False, amount_captured=0)
    assert delivered(event("charge.succeeded", held)) == Ignored(
        "the charge is authorised and not captured: no money moved"
    )


def test_a_charge_without_an_intent_is_a_payment_of_its_own() -> None:
    [fact] = facts(event("charge.succeeded", charge(payment_intent=None)))
    assert isinstance(fact, PaymentReceived)
    assert (fact.payment_id, fact.reference) == ("ch_3PAY", "ch_3PAY")


def test_charges_of_old_api_versions_know_only_their_amount() -> None:
    old = {name: value for name, value in charge().items() if name not in ("amount_captured", "captured")}
    [fact] = facts(event("charge.succeeded", old, api_version="2018-02-28"))
    assert isinstance(fact, PaymentReceived)
    assert fact.amount == "24.00"


@pytest.mark.parametrize(
    ("currency", "units", "amount"),
    [
        ("gbp", 1, "0.01"),
        ("jpy", 2400, "2400"),
        ("krw", 1, "1"),
        *((three, 5120, "5.120") for three in ("bhd", "jod", "kwd", "omr", "tnd")),
        ("huf", 250050, "2500.50"),
        # Whole in ISO 4217, and written with two zeros by Stripe; and the other way round.
        ("isk", 50000, "500"),
        ("ugx", 500, "5"),
        ("mga", 500, "500.00"),
        ("usd", 99_999_999, "999999.99"),
    ],
)
def test_amounts_are_in_stripes_minor_units(currency: str, units: int, amount: str) -> None:
    money = {"currency": currency, "amount": units, "amount_captured": units, "amount_received": units}
    told = [
        *facts(event("charge.succeeded", charge(**money))),
        *facts(event("payment_intent.succeeded", intent(**money))),
        *facts(event("refund.created", refund(currency=currency, amount=units))),
    ]
    assert [(fact.amount, fact.currency) for fact in told if not isinstance(fact, PaymentFailed)] == [
        (amount, currency.upper())
    ] * 3


def test_a_fraction_of_what_has_none_is_told() -> None:
    evidence = letter(event("payment_intent.succeeded", intent(currency="isk", amount_received=12345)))
    assert evidence.message == (
        "Stripe's amount_received is 12345, expected a multiple of 100: Stripe writes ISK with two zeros at the end."
    )


@pytest.mark.parametrize("currency", ["bhd", "jod", "kwd", "omr", "tnd"])
def test_the_last_digit_of_three_is_zero(currency: str) -> None:
    evidence = letter(event("payment_intent.succeeded", intent(currency=currency, amount_received=5124)))
    assert evidence.message == (
        f"Stripe's amount_received is 5124, expected a multiple of 10: Stripe writes {currency.upper()} with a zero at "
        "the end."
    )


@pytest.mark.parametrize("document", PAID, ids=lambda document: document["type"])
@pytest.mark.parametrize("livemode", [False, None, "true", 1])
def test_test_mode_never_reaches_live_books(document: dict[str, Any], livemode: Any) -> None:
    assert delivered({**document, "livemode": livemode}) == TEST_MODE
    assert delivered({name: value for name, value in document.items() if name != "livemode"}) == TEST_MODE


def test_the_objects_own_mode_does_not_count() -> None:
    assert delivered(event("charge.succeeded", charge(livemode=True), livemode=False)) == TEST_MODE


def test_a_test_source_takes_test_mode() -> None:
    config = dataclasses.replace(LIVE, live=False)
    assert facts(event("charge.succeeded", charge(livemode=False), livemode=False), config)


@pytest.mark.parametrize(
    ("thing", "order"),
    [
        ({"metadata": {"order_id": "1001"}}, "1001"),
        ({"metadata": {"order_id": " 1001 "}}, "1001"),
        ({"metadata": {"order_id": "1001"}, "client_reference_id": "9"}, "1001"),
        ({"metadata": {}, "client_reference_id": "9"}, "9"),
        ({"metadata": {"order_id": " "}, "client_reference_id": "9"}, "9"),
        ({"metadata": None, "shipping": {"tracking_number": "T7"}}, "T7"),
        ({"metadata": {"order_id": 1001}, "shipping": "none"}, None),
        ({"metadata": {"order": "1001"}}, None),
    ],
)
def test_the_order_is_in_the_metadata_then_in_the_reference(thing: dict[str, Any], order: str | None) -> None:
    # Charges of newer API versions that name no order are left to their intent.
    paid = event("charge.succeeded", charge(**thing), api_version="2024-10-28.acacia")
    for document in (paid, event("payment_intent.succeeded", intent(**thing))):
        [fact] = facts(document)
        assert isinstance(fact, PaymentReceived)
        assert fact.order == (None if order is None else OrderRef(id=order, source="shop-1"))


def test_the_keys_are_tried_in_their_order() -> None:
    config = dataclasses.replace(LIVE, order_metadata_keys=("wc_order", "order_id"), order_reference_fields=())
    both = charge(metadata={"order_id": "1001", "wc_order": "7"})
    [fact] = facts(event("charge.succeeded", both), config)
    assert isinstance(fact, PaymentReceived)
    assert fact.order == OrderRef(id="7", source="shop-1")


def test_without_a_source_of_orders_there_is_no_order() -> None:
    [fact] = facts(event("payment_intent.succeeded", intent()), dataclasses.replace(LIVE, order_source=None))
    assert isinstance(fact, PaymentReceived)
    assert fact.order is None


def test_without_a_gateways_name_it_is_the_sources() -> None:
    config = SourceConfig(name="stripe-2", connector="stripe")
    for document in (PAID[0], event("payment_intent.payment_failed", intent()), event("refund.created", refund())):
        [fact] = facts(document, config)
        assert fact.gateway == "stripe-2"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"code": "card_declined", "decline_code": "insufficient_funds", "type": "card_error"}, "card_declined"),
        ({"type": "api_error"}, None),
        (None, None),
    ],
)
def test_a_payment_that_was_declined(error: Any, reason: str | None) -> None:
    document = event(
        "payment_intent.payment_failed", intent(status="requires_payment_method", last_payment_error=error)
    )
    assert facts(document) == [
        PaymentFailed(payment_id="pi_3PAY", gateway="stripe", failed_at=MOMENT, kind="declined", reason=reason)
    ]
    assert [record.outcome for record in booked(document)] == [Ignored("the payment was declined and never counted")]


REFUND = RefundIssued(
    refund_id="re_3PAY",
    gateway="stripe",
    amount="12.00",
    currency="GBP",
    refunded_at=dt.datetime(2026, 11, 24, 10, 30, tzinfo=dt.UTC),
    payment_id="pi_3PAY",
    reason="requested_by_customer",
)
LISTED = event(
    "charge.refunded",
    charge(amount_refunded=1200, refunds={"object": "list", "data": [refund()]}),
    api_version="2020-08-27",
)
REFUNDED = [
    event("refund.created", refund()),
    event("refund.updated", refund(), {"destination_details": {}}),
    event("charge.refund.updated", refund(), {"destination_details": {}}),
    LISTED,
]


@pytest.mark.parametrize("document", REFUNDED, ids=lambda document: document["type"])
def test_a_refund_names_its_payment(document: dict[str, Any]) -> None:
    assert facts(document) == [REFUND]


def test_the_events_of_one_refund_are_two_effects_with_one_content_each() -> None:
    """The charge knows the order, and a refund by itself does not: both must come to the same."""
    made = [[(command.effect_key, payload_digest(command.payload)) for command in commands(one)] for one in REFUNDED]
    assert made[0] == made[1] == made[2] == made[3]
    assert [effect for effect, _ in made[0]] == [
        "stripe-1:refund:re_3PAY#credit_note",
        "stripe-1:refund:re_3PAY#refund",
    ]


def test_a_refund_may_say_its_order_itself() -> None:
    [fact] = facts(event("refund.created", refund(metadata={"order_id": "1001"})))
    assert isinstance(fact, RefundIssued)
    assert fact.order == OrderRef(id="1001", source="shop-1")


def test_a_refund_without_an_intent_is_of_its_charge() -> None:
    [fact] = facts(event("refund.created", refund(payment_intent=None, reason=None)))
    assert isinstance(fact, RefundIssued)
    assert (fact.payment_id, fact.reason) == ("ch_3PAY", None)
    [neither] = facts(event("refund.created", refund(payment_intent=None, charge=None)))
    assert isinstance(neither, RefundIssued)
    assert neither.payment_id is None


def test_every_refund_of_a_list_that_went_through_is_told_under_an_id_of_its_own() -> None:
    listed = [refund(), refund(id="re_2", amount=300, status="pending"), refund(id="re_3", status="failed")]
    document = event("charge.refunded", charge(refunds={"data": listed}), api_version="2020-08-27")
    assert [(fact.refund_id, fact.amount) for fact in facts(document) if isinstance(fact, RefundIssued)] == [
        ("re_3PAY", "12.00"),
        ("re_2", "3.00"),
    ]
    assert ids(document) == ["evt_charge.refunded:re_3PAY", "evt_charge.refunded:re_2"]
    assert ids(LISTED) == ["evt_charge.refunded"]


def test_a_list_of_which_nothing_went_through() -> None:
    listed = {"data": [refund(status="failed"), "?"]}
    document = event("charge.refunded", charge(refunds=listed), api_version="2020-08-27")
    assert delivered(document) == Ignored("no refund of the charge came through")


@pytest.mark.parametrize("refunds", [None, {"data": []}, {"has_more": False}])
def test_newer_versions_tell_refunds_by_events_of_their_own(refunds: Any) -> None:
    for version in ("2024-10-28.acacia", "2025-09-30.clover"):
        document = event("charge.refunded", charge(refunds=refunds), api_version=version)
        assert delivered(document) == Ignored("this API version leaves the refunds out here; refund.created tells them")


@pytest.mark.parametrize(("version", "value"), [("2022-11-15", "2022-11-15"), ("2024-09-30.acacia",) * 2, (None, None)])
def test_versions_between_tell_no_refund_at_all_and_that_is_a_letter(version: Any, value: str | None) -> None:
    evidence = letter(event("charge.refunded", charge(), api_version=version))
    assert (evidence.field, evidence.value) == ("api_version", value)
    assert evidence.message.startswith("A charge was refunded, and API versions of Stripe before 2024-10-28")
    assert "refund.created" in (evidence.remedy or "")


@pytest.mark.parametrize("status", ["requires_action", None, "new_word"])
def test_a_refund_that_is_not_on_its_way_moves_nothing(status: str | None) -> None:
    found = delivered(event("refund.created", refund(status=status)))
    assert found == Ignored(f"the refund is {status or 'null'}: no money went back")


@pytest.mark.parametrize(
    ("type_", "status", "before", "version", "told"),
    [
        ("refund.failed", "failed", "pending", "2025-09-30.clover", True),
        ("refund.updated", "failed", "pending", "2025-09-30.clover", False),
        ("charge.refund.updated", "failed", "pending", "2025-09-30.clover", False),
        ("charge.refund.updated", "failed", "succeeded", "2022-11-15", True),
        ("refund.updated", "canceled", "pending", "2025-09-30.clover", True),
        ("refund.updated", "canceled", "requires_action", "2025-09-30.clover", False),
        ("refund.created", "failed", None, "2025-09-30.clover", False),
    ],
)
def test_a_refund_that_came_undone_is_told_once(
    type_: str, status: str, before: str | None, version: str, told: bool
) -> None:
    undone = refund(status=status, failure_reason="lost_or_stolen_card")
    document = event(type_, undone, {"status": before} if before else None, api_version=version)
    if not told:
        assert delivered(document) == Ignored(f"the refund is {status}: no money went back")
        return
    expected = RefundFailed(refund_id="re_3PAY", gateway="stripe", failed_at=MOMENT, reason="lost_or_stolen_card")
    assert facts(document) == [expected]


@pytest.mark.parametrize(
    "type_", ["payout.created", "invoice.created", "customer.created", "checkout.session.completed", "x"]
)
def test_what_moves_no_money_that_is_booked(type_: str) -> None:
    assert delivered(event(type_, {"object": "thing"})) == Ignored(f"{type_} moves no money that is booked")


@pytest.mark.parametrize(
    ("document", "field", "value", "expected"),
    [
        (b"", "$", "''", "JSON"),
        (b"[]", "type", "null", "a text"),
        (b'"text"', "type", "null", "a text"),
        ({"type": ""}, "type", "''", "a text"),
        ({"type": 7}, "type", "7", "a text"),
        ({**PAID[0], "created": None}, "created", "null", "seconds since 1970"),
        ({**PAID[0], "created": True}, "created", "true", "seconds since 1970"),
        ({**PAID[0], "created": "now"}, "created", "now", "seconds since 1970"),
        ({**PAID[0], "created": 10**15}, "created", "1000000000000000", "seconds since 1970"),
        ({**PAID[0], "id": None}, "id", "null", "a text"),
        ({**PAID[0], "data": None}, "data.object", "null", "an object"),
        ({**PAID[0], "data": {"object": ["x"]}}, "data.object", '["x"]', "an object"),
        (event("payment_intent.succeeded", intent(id=None)), "id", "null", "a text"),
        (event("payment_intent.succeeded", intent(currency=None)), "currency", "null", "a text"),
        (event("payment_intent.succeeded", intent(amount_received=None)), "amount_received", "null", "a whole number"),
        (event("payment_intent.succeeded", intent(amount_received=24.5)), "amount_received", "24.5", "a whole number"),
        (event("payment_intent.succeeded", intent(amount_received=0)), "amount_received", "0", "more than zero"),
        (event("payment_intent.payment_failed", intent(id=3)), "id", "3", "a text"),
        (event("charge.succeeded", charge(payment_intent=None, id="")), "id", "''", "a text"),
        (event("charge.succeeded", charge(amount_captured=-5)), "amount_captured", "-5", "more than zero"),
        (event("refund.created", refund(id=None)), "id", "null", "a text"),
        (event("refund.created", refund(created=None)), "created", "null", "seconds since 1970"),
        (event("refund.created", refund(amount=None)), "amount", "null", "a whole number"),
        (event("refund.failed", refund(status="failed", id=None)), "id", "null", "a text"),
    ],
)
def test_a_field_that_does_not_fit_is_a_letter(document: Any, field: str, value: str, expected: str) -> None:
    evidence = letter(document)
    assert (evidence.field, evidence.value) == (field, value)
    assert evidence.message.startswith(f"Stripe's {field} is {value}, expected {expected}")
    assert evidence.remedy == (
        "Compare the webhook's API version in Stripe with the one that this release knows, then replay."
    )


def test_the_moment_of_a_refund_is_its_own() -> None:
    [fact] = facts(event("refund.created", refund(created=AT - 86_400)))
    assert isinstance(fact, RefundIssued)
    assert fact.refunded_at == MOMENT - dt.timedelta(days=1)
