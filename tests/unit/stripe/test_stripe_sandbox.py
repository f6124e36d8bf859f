"""The sandbox of an account: it signs, retries and disables as Stripe does, and answers by its rules."""

import asyncio
import json
import signal
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from stripe import Webhook

from connectors.stripe.normalise import normalise
from connectors.stripe.sandbox import NotPossible, Options
from connectors.stripe.sandbox.deliveries import RETRIES_AFTER_S
from schemas.commands import Ignored
from tests.unit.stripe.running import ACCESS, KEY, Running


def types(account: Running) -> list[str]:
    return [json.loads(body)["type"] for _, body in account.ears.heard]


async def test_stripes_own_library_takes_what_is_signed(account: Running) -> None:
    account.sandbox.payments.charge(2400)
    await account.sandbox.deliveries.settled()
    assert types(account) == ["charge.succeeded", "payment_intent.succeeded"]
    for headers, body in account.ears.heard:
        taken = Webhook.construct_event(body, headers["stripe-signature"], KEY, tolerance=10**9)
        assert taken.object == "event"


async def test_what_fails_comes_again_with_the_same_body_and_a_new_signature(account: Running) -> None:
    account.ears.status = 503
    account.sandbox.payments.decline(2400)
    await account.sandbox.deliveries.settled()
    await account.later(RETRIES_AFTER_S[0])
    account.ears.status = 200
    await account.later(RETRIES_AFTER_S[1])
    [delivery] = account.sandbox.deliveries.log
    assert (delivery.state, delivery.tries) == ("delivered", [503, 503, 200])
    bodies = {body for _, body in account.ears.heard}
    signatures = {headers["stripe-signature"] for headers, _ in account.ears.heard}
    assert (len(bodies), len(signatures)) == (1, 3)


async def test_after_three_days_of_longer_and_longer_waits_the_endpoint_is_disabled(account: Running) -> None:
    assert sum(RETRIES_AFTER_S) == pytest.approx(3 * 86_400)
    assert all(later == 2 * sooner for sooner, later in pairwise(RETRIES_AFTER_S))
    account.ears.status = 500
    account.sandbox.payments.decline(2400)
    await account.sandbox.deliveries.settled()
    for wait_s in RETRIES_AFTER_S:
        await account.later(wait_s)
    [delivery] = account.sandbox.deliveries.log
    assert (delivery.state, len(delivery.tries)) == ("failed", 11)
    account.sandbox.payments.decline(2400)
    assert len(account.sandbox.deliveries.log) == 1, "a disabled endpoint hears nothing more"


async def test_an_endpoint_hears_what_it_is_enabled_for(account: Running) -> None:
    account.sandbox.deliveries.endpoints.clear()
    account.sandbox.deliveries.add(account.uri, ["refund.created"])
    account.sandbox.payments.refund(account.sandbox.payments.charge(2400))
    await account.sandbox.deliveries.settled()
    assert types(account) == ["refund.created"]


async def test_deliveries_are_lost_doubled_and_reordered_on_order(account: Running) -> None:
    await account.call("deliveries", {"lose": 2})
    await account.call("charges", {"amount": 100})
    assert [one.state for one in account.sandbox.deliveries.log] == ["lost", "lost"]
    await account.call("deliveries", {"double": 1})
    await account.call("charges", {"amount": 100, "declined": True})
    await account.sandbox.deliveries.settled()
    assert types(account) == ["payment_intent.payment_failed"] * 2
    assert await account.call("deliveries", {"reorder": 2}) == {"lose": 0, "double": 0, "reorder": 2}
    await account.call("charges", {"amount": 100})
    await account.sandbox.deliveries.settled()
    assert types(account)[2:] == ["payment_intent.succeeded", "charge.succeeded"]


async def test_everything_may_be_made_to_happen_over_http(account: Running) -> None:
    held = await account.call("charges", {"amount": 2400, "capture": False, "metadata": {"order_id": "1001"}})
    paid = await account.call(f"charges/{held['id']}/capture", {"amount": 2000})
    assert (held["status"], paid["status"], paid["amount_received"]) == ("requires_capture", "succeeded", 2000)
    refund = await account.call(f"charges/{held['id']}/refund", {"amount": 500})
    assert (await account.call(f"refunds/{refund['id']}/fail", {}))["status"] == "failed"
    dispute = await account.call(f"charges/{held['id']}/dispute", {})
    assert [one["fee"] for one in dispute["balance_transactions"]] == [2000]
    assert (await account.call(f"disputes/{dispute['id']}", {"status": "won"}))["status"] == "won"
    asked = await account.call(f"charges/{held['id']}/dispute", {"inquiry": True})
    assert asked["balance_transactions"] == []
    payout = await account.call("payouts", {})
    assert (payout["amount"], payout["reconciliation_status"]) == (2000 - 50, "completed")
    assert (await account.call(f"payouts/{payout['id']}/fail", {}))["status"] == "failed"
    lines = [{"amount": 1200, "percent": 20, "discount": 100}, {"amount": 300}]
    bill = await account.call("invoices", {"lines": lines, "inclusive": True})
    assert (bill["total"], bill["lines"]["data"][0]["taxes"][0]["amount"]) == (1400, 183)
    assert (await account.call(f"invoices/{bill['id']}/pay", {}))["amount_paid"] == 1400
    credited = {"amount": 700, "lines": [{"amount": 600, "percent": 20}, {"amount": 100}]}
    note = await account.call(f"invoices/{bill['id']}/credit", credited)
    assert [one["amount_refunded"] for one in note["refunds"]] == [700]
    assert [one["taxes"][0]["amount"] for one in note["lines"]["data"] if one["taxes"]] == [100], "it is in the price"
    other = await account.call("invoices", {"lines": [{"amount": 1000, "percent": 20}]})
    assert other["total"] == 1200
    assert (await account.call(f"invoices/{other['id']}/credit", {"amount": 10, "how": "owed"}))[
        "pre_payment_amount"
    ] == 10
    assert (await account.call(f"invoices/{other['id']}/void", {}))["status"] == "void"
    await account.call("endpoints", {"url": account.uri + "x", "events": ["charge.succeeded"]})
    async with account.http.get(f"{account.url}/_sandbox") as answer:
        state = await answer.json()
    assert [len(state[name]) for name in ("payment_intents", "refunds", "invoices", "endpoints")] == [2, 2, 2, 2]


@pytest.mark.parametrize(
    ("path", "body", "why"),
    [
        ("charges", {}, "'amount'"),
        ("charges", {"amount": 0}, "a charge of 0"),
        ("charges/pi_none/refund", {}, "No such payment_intent: 'pi_none'"),
        ("payouts", {}, "there is nothing in gbp to pay out"),
        ("invoices", {"lines": []}, "an invoice has a line"),
        ("endpoints", {"url": "ftp://x"}, "http or https"),
    ],
)
async def test_what_cannot_be_done_says_why(account: Running, path: str, body: dict[str, object], why: str) -> None:
    answer = await account.call(path, body, status=400)
    assert why in answer["error"]
    assert "README.md" in answer["remedy"]


async def test_an_account_does_nothing_impossible(account: Running) -> None:
    payments, billing = account.sandbox.payments, account.sandbox.billing
    paid = payments.charge(2400)
    with pytest.raises(NotPossible, match="nothing is held"):
        payments.capture(paid)
    with pytest.raises(NotPossible, match="2500 cannot be given back: 2400 are left"):
        payments.refund(paid, 2500)
    with pytest.raises(NotPossible, match="3000 cannot be captured: 2400 are held"):
        payments.capture(payments.charge(2400, capture=False), 3000)
    bill = billing.pay(billing.finalize([{"amount": 100}]))
    with pytest.raises(NotPossible, match="the invoice is paid, not open"):
        billing.void(bill)
    with pytest.raises(NotPossible, match="nobody has paid"):
        billing.credit(billing.finalize([{"amount": 100}]), 50)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/v1/events?limit=101", 400, "Invalid limit"),
        ("/v1/events?limit=x", 400, "Invalid integer"),
        ("/v1/events?starting_after=evt_none", 400, "No such object: 'evt_none'"),
        ("/v1/events?" + "&".join(f"types[]=t{n}" for n in range(21)), 400, "up to 20 values"),
        ("/v1/payouts/po_none", 404, "No such payout: 'po_none'"),
        ("/v1/balance_transactions?payout=po_none", 404, "No such payout: 'po_none'"),
        ("/v1/invoices/in_none/lines", 404, "No such invoice: 'in_none'"),
    ],
)
async def test_the_api_answers_errors_as_stripe_does(account: Running, path: str, status: int, said: str) -> None:
    found, answer = await account.ask(path)
    assert found == status
    assert said in answer["error"]["message"]


async def test_the_api_wants_its_key_and_knows_what_it_cannot_itemise(account: Running) -> None:
    assert (await account.ask("/v1/events", "rk_wrong"))[0] == 401
    account.sandbox.payments.charge(100)
    by_hand = account.sandbox.payouts.pay_out(automatic=False)
    status, answer = await account.ask(f"/v1/balance_transactions?payout={by_hand['id']}")
    assert (status, "automatic transfers" in answer["error"]["message"]) == (400, True)
    status, answer = await account.ask("/v1/balance_transactions?limit=1")
    assert (answer["has_more"], answer["data"][0]["type"]) == (True, "payout")
    headers = {"Authorization": f"Bearer {ACCESS}"}
    async with account.http.post(f"{account.url}/v1/webhook_endpoints/we_9", headers=headers) as refused:
        assert refused.status == 404


async def test_the_list_has_thirty_days_the_newest_first(account: Running) -> None:
    account.sandbox.payments.decline(100)
    account.clock.advance(86_400)
    account.sandbox.payments.charge(100)
    listed = (await account.ask("/v1/events?type=payment_intent.succeeded"))[1]["data"]
    assert [one["type"] for one in listed] == ["payment_intent.succeeded"]
    created = listed[0]["created"]
    for name, count in (("gte", 2), ("gt", 0), ("lte", 3), ("lt", 1)):
        assert len((await account.ask(f"/v1/events?created[{name}]={created}"))[1]["data"]) == count
    account.clock.advance(29.5 * 86_400)
    listed = (await account.ask("/v1/events"))[1]["data"]
    assert [one["type"] for one in listed] == ["payment_intent.succeeded", "charge.succeeded"]


async def test_a_thin_event_names_a_thing_and_tells_nothing(account: Running) -> None:
    paid = account.sandbox.payments.charge(2400)
    thin = {"type": "v1.payment_intent.succeeded", "id": paid["id"], "object": "payment_intent"}
    event = await account.call("thin", thin)
    await account.sandbox.deliveries.settled()
    found = normalise(account.ears.records()[-1], account.config())
    assert isinstance(found, Ignored)
    assert "the sweep finds what happened to it" in found.reason
    assert event["id"] not in [one["id"] for one in (await account.ask("/v1/events"))[1]["data"]]


async def test_test_mode_is_told_as_such(account: Running) -> None:
    await account.call("charges", {"amount": 100, "live": False})
    await account.sandbox.deliveries.settled()
    outcomes = {normalise(record, account.config()) for record in account.ears.records()}
    assert outcomes == {Ignored("Stripe's test-mode data does not reach live books")}


@pytest.mark.parametrize("address", ["ftp://x", "http://", "no address"])
def test_webhooks_go_to_an_address_only(address: str) -> None:
    with pytest.raises(ValueError, match="http or https"):
        Options(webhooks_to=address)


async def test_the_command_serves_until_it_is_stopped() -> None:
    words = ("sandbox", "stripe", "--json", "--webhooks-to", "http://127.0.0.1:9/v1/sources/stripe-1")
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "ledgerstream"), *words, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        connect = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
        assert set(connect) == {"api_url", "token", "secret", "webhooks_to", "admin_url"}
    finally:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
