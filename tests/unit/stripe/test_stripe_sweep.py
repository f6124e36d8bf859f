"""The sweep of Stripe over HTTP: it finds what webhooks lost under their own keys, and what no webhook shows whole."""

import json
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from connectors.fetching import Fetcher, SourceRefused, SourceUnavailable
from connectors.sandboxes.running import serve
from connectors.stripe.endpoints import WANTED
from connectors.stripe.normalise import TYPES
from connectors.stripe.sweep import StripeSweeper
from schemas.codec import content_digest, load_json
from schemas.envelope import Envelope
from schemas.events import PayoutItem, PayoutPaid, decode_event
from schemas.keys import event_key
from tests.support.sandboxes import START, swept, told
from tests.unit.stripe.payloads import LIVE
from tests.unit.stripe.running import Running

LINES = [{"amount": 1000, "percent": 20, "quantity": 2}]


def identities(events: list[Envelope]) -> dict[str, str]:
    """The event keys, each with the digest by which the ledger knows it again."""
    return {
        event_key(one.source, one.id): content_digest(one.type, one.sequence, load_json(one.data)) for one in events
    }


async def busy_day(account: Running) -> None:
    """One of everything, and what a webhook tells of it."""
    sandbox = account.sandbox
    paid = sandbox.payments.charge(4800, metadata={"order_id": "1001"})
    sandbox.payments.refund(paid, 1200)
    held = sandbox.payments.charge(2400, metadata={"order_id": "1002"}, capture=False)
    sandbox.payments.capture(held, 2000)
    sandbox.payments.decline(900)
    sandbox.payments.decide(sandbox.payments.dispute(paid), "won")
    bill = sandbox.billing.pay(sandbox.billing.finalize(LINES))
    sandbox.billing.credit(bill, 600)
    sandbox.billing.void(sandbox.billing.finalize(LINES))
    await sandbox.deliveries.settled()


async def test_webhook_and_sweep_of_one_event_are_one_event_key_with_one_digest(account: Running) -> None:
    await busy_day(account)
    heard = told(account.ears.records(), account.config())
    records, _ = await swept(account.sweeper())
    assert {record.swept for record in records} == {"events"}
    found = identities(told(records, account.config()))
    assert found == identities(heard)
    assert len(found) == len(heard) > 12


async def test_what_webhooks_lost_is_found(account: Running) -> None:
    account.sandbox.deliveries.orders.lose = 100
    await busy_day(account)
    assert account.ears.heard == []
    records, _ = await swept(account.sweeper())
    subjects = {event.subject for event in told(records, account.config())}
    assert {(subject or "").partition(":")[0] for subject in subjects} == {"payment", "refund", "dispute", "order"}


async def test_an_automatic_payout_comes_with_its_fees_and_only_once(account: Running) -> None:
    payments = account.sandbox.payments
    large, small = payments.charge(4800), payments.charge(2400)
    refund = payments.refund(small, 400)
    payout = account.sandbox.payouts.pay_out()
    await account.sandbox.deliveries.settled()
    of_payouts = [e for e in told(account.ears.records(), account.config()) if e.type.endswith("PayoutPaid.v1")]
    assert of_payouts == [], "the webhook does not know the fees"
    records, cursor = await swept(account.sweeper())
    [event] = [e for e in told(records, account.config()) if e.type.endswith("PayoutPaid.v1")]
    assert event.id == f"sweep:payout:{payout['id']}"
    assert decode_event(event)[1] == PayoutPaid(
        payout_id=payout["id"],
        gateway="stripe",
        net="66.52",
        currency="GBP",
        paid_at=START.replace(hour=0, minute=0),
        # 1.5 % and 20 of each charge: 72 + 20 and 36 + 20.
        fees="1.48",
        items=(
            PayoutItem(kind="refund", id=refund["id"], amount="-4.00", fee="0.00"),
            PayoutItem(kind="payment", id=small["id"], amount="24.00", fee="0.56"),
            PayoutItem(kind="payment", id=large["id"], amount="48.00", fee="0.92"),
        ),
    )
    again, _ = await swept(account.sweeper(), cursor, after_s=300)
    assert identities(told(again, account.config())) == identities(told(records, account.config()))


async def test_a_payout_waits_until_stripe_can_itemise_it(account: Running) -> None:
    account.sandbox.payments.charge(4800)
    payout = account.sandbox.payouts.pay_out(reconciled=False)
    records, cursor = await swept(account.sweeper())
    assert "payouts" not in {record.swept for record in records}
    account.clock.advance(3600)
    account.sandbox.payouts.reconcile(payout)
    records, _ = await swept(account.sweeper(), cursor, after_s=3660)
    assert {record.swept for record in records} == {"events", "payouts"}


async def test_a_payout_by_hand_is_told_by_its_event_without_fees(account: Running) -> None:
    account.sandbox.payments.charge(4800)
    account.sandbox.payouts.pay_out(automatic=False)
    records, _ = await swept(account.sweeper())
    [paid] = [e for e in told(records, account.config()) if e.type.endswith("PayoutPaid.v1")]
    assert decode_event(paid)[1].fees is None


async def test_a_payout_that_failed_since_is_told_as_paid_and_as_failed(account: Running) -> None:
    account.sandbox.payments.charge(4800)
    account.sandbox.payouts.fail(account.sandbox.payouts.pay_out())
    records, _ = await swept(account.sweeper())
    found = [type(decode_event(one)[1]).__name__ for one in told(records, account.config()) if "payout" in one.id]
    found += [type(decode_event(one)[1]).__name__ for one in told(records, account.config()) if "Failed" in one.type]
    assert found == ["PayoutPaid", "PayoutFailed"]


@pytest.mark.parametrize("most", [230, 231])
async def test_a_payout_of_several_pages_is_told_whole(
    account: Running, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.stripe.sweep.ITEMS_MAX", most)
    for _ in range(230):
        account.sandbox.payments.charge(100)
    payout = account.sandbox.payouts.pay_out()
    records, _ = await swept(account.sweeper())
    [event] = [e for e in told(records, account.config()) if e.id == f"sweep:payout:{payout['id']}"]
    paid = decode_event(event)[1]
    assert paid.fees == "48.30", "21 of each"
    assert len(paid.items) == (230 if most == 231 else 0), "more than an event holds is told with its fees alone"


async def test_a_long_invoice_is_read_whole_and_told_under_one_key(account: Running) -> None:
    bill = account.sandbox.billing.finalize(
        [{"amount": 100, "percent": 20, "description": f"Seat {n}"} for n in range(130)]
    )
    account.sandbox.billing.pay(bill)
    await account.sandbox.deliveries.settled()
    assert [e for e in told(account.ears.records(), account.config()) if e.subject == f"order:{bill['id']}"] == []
    records, _ = await swept(account.sweeper())
    events = [e for e in told(records, account.config()) if e.subject == f"order:{bill['id']}"]
    [event] = events
    order = decode_event(event)[1]
    assert (event.id, len(order.lines), order.total) == (f"sweep:order:{bill['id']}", 130, "156.00")
    assert {line.tax_rate for line in order.lines} == {"20"}


async def test_many_events_come_by_pages_each_once(account: Running) -> None:
    for _ in range(60):
        account.sandbox.payments.charge(100, metadata={"order_id": "1001"})
    page = await account.sweeper().page(None, START + timedelta(seconds=60))
    assert (len(page.records), page.more) == (100, True)
    account.clock.advance(30)
    account.sandbox.payments.charge(100, metadata={"order_id": "1002"})
    records, cursor = await swept(account.sweeper(), page.cursor, after_s=120)
    ids = [json.loads(record.body)["id"] for record in (*page.records, *records)]
    assert len(set(ids)) == len(ids) == 120, "what came since belongs to the next round"
    records, _ = await swept(account.sweeper(), cursor, after_s=120)
    assert len(told(records, account.config())) == 122, "with an overlap"


async def test_a_round_that_was_interrupted_long_ago_begins_anew(account: Running) -> None:
    for _ in range(60):
        account.sandbox.payments.charge(100, metadata={"order_id": "1001"})
    page = await account.sweeper().page(None, START + timedelta(seconds=60))
    assert page.more
    account.clock.advance(29 * 86_400)
    records, _ = await swept(account.sweeper(), page.cursor, after_s=29 * 86_400)
    assert len(records) == 120, "all that is still there"
    account.clock.advance(3 * 86_400)
    records, _ = await swept(account.sweeper(), page.cursor, after_s=32 * 86_400)
    assert records == [], "Stripe no longer has the event behind which the round stopped, and is not asked for it"


async def test_only_what_is_known_is_asked_for(account: Running) -> None:
    account.sandbox.payments.charge(100, capture=False)
    records, _ = await swept(account.sweeper())
    assert [json.loads(record.body)["type"] for record in records] == ["charge.succeeded"]
    assert len(TYPES) <= 20, "Stripe takes no more in one question"


async def test_events_that_stripe_no_longer_has_are_told(account: Running) -> None:
    _, cursor = await swept(account.sweeper())
    account.clock.advance(40 * 86_400)
    account.sandbox.payments.charge(100, metadata={"order_id": "1001"})
    sweeper = account.sweeper()
    records, _ = await swept(sweeper, cursor, after_s=40 * 86_400 + 60)
    assert len(told(records, account.config())) == 2, "what is there is found"
    state = await sweeper.subscription()
    assert state is not None
    assert "events from 2026-11-24 09:31 UTC to 2026-12-04 09:31 UTC are no longer listed by Stripe" in state.words
    fresh = account.sweeper()
    await swept(fresh)
    state = await fresh.subscription()
    assert state is not None
    assert "no longer listed" not in state.words


@pytest.mark.parametrize("cursor", ["", "?", "{}", '{"since": "2026-11-24T09:30:00"}'])
async def test_a_cursor_of_another_kind_is_refused(account: Running, cursor: str) -> None:
    with pytest.raises(SourceRefused, match="which this release did not write"):
        await account.sweeper().page(cursor, START)


async def test_a_key_that_does_not_hold_is_refused_with_a_remedy(account: Running) -> None:
    with pytest.raises(SourceRefused) as caught:
        await account.sweeper("wrong").page(None, START)
    assert "Put a token that is valid" in caught.value.remedy


async def test_too_many_questions_are_asked_again_later(account: Running) -> None:
    account.sandbox.api.busy = 1
    with pytest.raises(SourceUnavailable, match="429"):
        await account.sweeper().page(None, START)
    await account.sweeper().page(None, START)


async def test_a_webhook_endpoint_that_was_disabled_is_enabled_again(account: Running) -> None:
    [ours] = account.sandbox.deliveries.endpoints.values()
    other = account.sandbox.deliveries.add("http://127.0.0.1:9/v1/sources/stripe-2")
    ours["status"] = other["status"] = "disabled"
    state = await account.sweeper().subscription()
    assert state is not None
    assert (state.active, state.repaired, state.words) == (True, True, "1 that was disabled is enabled again")
    assert (ours["status"], other["status"]) == ("enabled", "disabled"), "what is not ours is left alone"
    state = await account.sweeper().subscription()
    assert state is not None
    assert (state.active, state.repaired, state.words) == (True, False, "the webhook endpoint is enabled")


@pytest.mark.parametrize(
    ("left_out", "active"),
    [("charge.dispute.closed", True), ("refund.created", False), ("payment_intent.succeeded", False)],
)
async def test_event_types_that_are_not_heard_are_named(account: Running, left_out: str, active: bool) -> None:
    [ours] = account.sandbox.deliveries.endpoints.values()
    ours["enabled_events"] = [type_ for type_ in WANTED if type_ != left_out]
    state = await account.sweeper().subscription()
    assert state is not None
    assert state.active is active
    assert f"it does not hear {left_out}: add these events to it in Stripe" in state.words


async def test_an_account_without_our_endpoint_says_so(account: Running) -> None:
    account.sandbox.deliveries.endpoints.clear()
    state = await account.sweeper().subscription()
    assert state is not None
    assert (state.active, state.repaired) == (False, False)
    assert state.words.startswith("Stripe has no webhook endpoint for /v1/sources/stripe-1: make one as")


async def test_an_endpoint_of_another_api_version_is_told(account: Running) -> None:
    [ours] = account.sandbox.deliveries.endpoints.values()
    ours["api_version"] = "2024-10-28.acacia"
    account.sandbox.payments.charge(100)
    sweeper = account.sweeper()
    await swept(sweeper)
    state = await sweeper.subscription()
    assert state is not None
    assert "API version 2024-10-28.acacia and the account 2025-09-30.clover" in state.words


@pytest.mark.parametrize(
    "answer",
    [[], {"data": None}, {"data": ["?"]}, {"data": [], "has_more": True}, {"data": [{"id": None}], "has_more": True}],
)
async def test_an_answer_that_is_no_list_is_asked_for_again_later(account: Running, answer: Any) -> None:
    async def odd(_request: web.Request) -> web.Response:
        return web.json_response(answer)

    application = web.Application()
    application.router.add_get("/v1/events", odd)
    async with serve(application) as url:
        sweeper = StripeSweeper(account.config(), Fetcher(account.http, url))
        with pytest.raises(SourceUnavailable, match=r"127\.0\.0\.1 (answered|says that there is more)"):
            await sweeper.page(None, START)


async def test_a_source_without_an_api_has_no_sweep(account: Running) -> None:
    with pytest.raises(ValueError, match="a sweep needs its address and token"):
        StripeSweeper(LIVE, Fetcher(account.http, account.url))
