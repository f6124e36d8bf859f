"""The sweep's rounds, the pace that Shopify allows, what it may answer, and the webhooks that it deletes; over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from connectors.base import Events
from connectors.fetching import Fetcher, SourceRefused, SourceUnavailable
from connectors.shopify.normalise import normalise
from connectors.shopify.queries import RESOURCES
from connectors.shopify.sandbox.answer import reckoned
from connectors.shopify.sandbox.question import read
from connectors.shopify.sweep import ShopifySweeper
from tests.support.sandboxes import START, swept, told
from tests.unit.shopify.payloads import LIVE, raw
from tests.unit.shopify.running import Running, decided, running

MUGS = {"MUG-BLUE": 2, "TEA-250": 1}


async def test_the_next_round_begins_where_the_last_one_ended(shop: Running) -> None:
    first = shop.sandbox.shop.place(MUGS)
    _, cursor = await swept(shop.sweeper(), after_s=1200)
    shop.clock.advance(3600)
    second = shop.sandbox.shop.place(MUGS, person=1)
    records, cursor = await swept(shop.sweeper(), cursor, after_s=7200)
    assert [json.loads(one.body)["id"] for one in records] == [
        f"gid://shopify/Order/{second.id}",
        f"gid://shopify/Customer/{second.customer.id}",
    ]
    assert (await swept(shop.sweeper(), cursor, after_s=7300))[0] == [], "nothing changed"
    shop.clock.advance(3400)
    shop.sandbox.shop.edit(first, po_number="PO-2")
    records, _ = await swept(shop.sweeper(), cursor, after_s=7300)
    assert [one.swept for one in records] == ["orders"]


async def test_what_changes_at_the_end_of_a_round_is_found_again(shop: Running) -> None:
    shop.sandbox.shop.place(MUGS)
    records, cursor = await swept(shop.sweeper())
    again, _ = await swept(shop.sweeper(), cursor, after_s=300)
    changing = [one for one in records if one.swept in ("orders", "customers")]
    assert [one.body for one in again] == [one.body for one in changing]
    assert [event.id for event in told(again, LIVE)] == [event.id for event in told(changing, LIVE)]


async def test_disputes_and_payouts_are_read_once_a_day(shop: Running) -> None:
    decided(shop.sandbox.shop)
    shop.sandbox.shop.pay_out()
    records, cursor = await swept(shop.sweeper(), after_s=1200)
    assert {one.swept for one in records} == {"orders", "customers", "disputes", "payouts", "balance_transactions"}
    records, cursor = await swept(shop.sweeper(), cursor, after_s=3600 * 6)
    assert records == []
    records, _ = await swept(shop.sweeper(), cursor, after_s=3600 * 20)
    assert {one.swept for one in records} == {"disputes", "payouts", "balance_transactions"}


async def test_a_round_that_was_interrupted_goes_on_up_to_its_own_end(shop: Running) -> None:
    for person in range(3):
        shop.sandbox.shop.place(MUGS, person=person)
    page = await shop.sweeper().page(None, START)
    assert page.records == (), "up to the start itself nothing had happened"
    shop.clock.advance(60)
    records, cursor = await swept(shop.sweeper(), page.cursor, after_s=600)
    assert records == []
    records, _ = await swept(shop.sweeper(), cursor, after_s=600)
    assert [one.swept for one in records] == ["orders"] * 3 + ["customers"] * 3


@pytest.mark.parametrize("cursor", ["", "?", "{}", '{"since":"2026-11-24T09:30:00Z","resource":"products"}'])
async def test_a_cursor_of_another_kind_is_refused(shop: Running, cursor: str) -> None:
    with pytest.raises(SourceRefused, match="which this release did not write"):
        await shop.sweeper().page(cursor, START)


async def test_too_little_in_the_bucket_says_when_there_is_enough(shop: Running) -> None:
    shop.sandbox.api.bucket.held = 0
    with pytest.raises(SourceUnavailable, match="is asked too much: Throttled") as caught:
        await shop.sweeper().page(None, START)
    assert caught.value.retry_after_s is not None
    assert 0 < caught.value.retry_after_s < 10, "at 100 points a second"
    shop.clock.advance(caught.value.retry_after_s + 0.1)
    await shop.sweeper().page(None, START)


async def test_a_sweep_waits_until_the_bucket_holds_the_next_question(shop: Running) -> None:
    for person in range(4):
        shop.sandbox.shop.place(MUGS, person=person)
    kind, fields = read(RESOURCES["orders"].query, {"query": ""})
    wanted, bucket = reckoned(fields), shop.sandbox.api.bucket
    # The clock of the shop stands still, so the bucket is as full as the test says.
    bucket.held, bucket.restored_a_second = wanted, 500
    sweeper, loop, until = shop.sweeper(), asyncio.get_running_loop(), START.replace(minute=50)
    page = await sweeper.page(None, until)
    missing, began_s = wanted - bucket.available(), loop.time()
    assert missing > 50, "what the first question cost"
    bucket.held = wanted
    await sweeper.page(page.cursor, until)
    assert loop.time() - began_s >= missing / 500
    assert (kind, shop.sandbox.api.throttled) == ("query", 0)


async def test_a_token_that_does_not_hold_is_refused_with_a_remedy(shop: Running) -> None:
    with pytest.raises(SourceRefused) as caught:
        await shop.sweeper("wrong").page(None, START)
    assert "Put a token that is valid" in caught.value.remedy


async def test_without_the_other_scopes_the_orders_are_swept_all_the_same(shop: Running) -> None:
    shop.sandbox.api.scopes = {"read_orders"}
    decided(shop.sandbox.shop)
    sweeper = shop.sweeper()
    records, _ = await swept(sweeper)
    assert {one.swept for one in records} == {"orders"}
    state = await sweeper.subscription()
    assert state is not None
    assert "payouts are not swept: give the app the scope read_shopify_payments_payouts" in state.words
    assert "customers are not swept: give the app the scope read_customers" in state.words
    shop.sandbox.api.scopes = {"read_customers"}
    with pytest.raises(SourceRefused, match="read_orders"):
        await sweeper.page(None, START)


async def test_webhooks_that_are_all_there(shop: Running) -> None:
    state = await shop.sweeper().subscription()
    assert state is not None
    assert (state.active, state.repaired, state.words) == (True, False, "every webhook is there")


async def test_a_webhook_that_shopify_deleted_is_made_again(shop: Running) -> None:
    known = shop.sandbox.deliveries.subscriptions
    for gone in [one for one in known.values() if one.topic in ("orders/paid", "order_transactions/create")]:
        del known[gone.id]
    state = await shop.sweeper().subscription()
    assert state is not None
    assert (state.active, state.repaired) == (True, True)
    assert state.words == "2 webhooks that were missing were made again"
    assert {(one.topic, one.uri) for one in known.values()} >= {
        ("orders/paid", shop.uri),
        ("order_transactions/create", shop.uri),
    }
    again = await shop.sweeper().subscription()
    assert again is not None
    assert again.words == "every webhook is there"


async def test_a_webhook_that_cannot_be_made_again_is_told(shop: Running) -> None:
    known = shop.sandbox.deliveries.subscriptions
    for at in range(120):
        shop.sandbox.deliveries.subscribe("orders/create", f"https://elsewhere.example.com/{at}")
    for gone in [
        one for one in known.values() if one.topic.startswith(("disputes/", "refunds/")) and one.uri == shop.uri
    ]:
        del known[gone.id]
    shop.sandbox.api.scopes = {"read_orders"}
    state = await shop.sweeper().subscription()
    assert state is not None
    assert (state.active, state.repaired) == (True, True), "an app may be without the scope of disputes"
    assert state.words.startswith("1 webhooks that were missing were made again; DISPUTES_CREATE cannot be made: ")
    assert "You do not have permission" in state.words
    for gone in [one for one in known.values() if one.topic.startswith("refunds/")]:
        del known[gone.id]
    shop.sandbox.api.scopes = set()
    state = await shop.sweeper().subscription()
    assert state is not None
    assert (state.active, state.repaired) == (False, False), "of refunds one has to hear"
    assert state.words.startswith("3 webhooks are missing; REFUNDS_CREATE cannot be made: ")


async def test_where_no_webhook_is_left_a_person_has_to_make_one() -> None:
    async with running(is_subscribed=False) as shop:
        shop.sandbox.deliveries.subscribe("orders/create", "https://elsewhere.example.com/hook")
        state = await shop.sweeper().subscription()
        assert state is not None
        assert (state.active, state.repaired) == (False, False)
        assert "as deploy/docs/shopify.md shows" in state.words
        assert len(shop.sandbox.deliveries.subscriptions) == 1


async def answered_by(answer: Any, status: int = 200) -> AsyncIterator[ShopifySweeper]:
    """A sweep of something that always answers the same."""

    async def graphql(_request: web.Request) -> web.Response:
        return web.json_response(answer, status=status)

    application = web.Application()
    application.router.add_post("/admin/api/2026-10/graphql.json", graphql)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with running(is_subscribed=False) as shop, aiohttp.ClientSession() as http:
        yield ShopifySweeper(shop.config(), Fetcher(http, url))
    await runner.cleanup()


@pytest.mark.parametrize(
    ("answer", "status", "kind", "words"),
    [
        ({"data": None}, 200, SourceUnavailable, "answered without data"),
        ([], 200, SourceUnavailable, "answered without data"),
        ({"data": {}}, 200, SourceUnavailable, "answered null where orders were asked for"),
        ({"data": {"orders": {"nodes": 1}}}, 200, SourceUnavailable, "where orders were asked for"),
        ({"errors": "Not Found"}, 200, SourceRefused, "refuses the question: Not Found"),
        ({"errors": [{"message": "No field"}]}, 200, SourceRefused, "refuses the question: No field"),
        (
            {"errors": [{"message": "Oh", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]},
            200,
            SourceUnavailable,
            "has an error of its own: Oh",
        ),
        (
            {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], "extensions": {"cost": 7}},
            200,
            SourceUnavailable,
            "is asked too much",
        ),
        ({}, 503, SourceUnavailable, "answered 503"),
        ({}, 302, SourceRefused, "answered 302"),
    ],
)
async def test_what_shopify_may_answer_instead(answer: Any, status: int, kind: type[Exception], words: str) -> None:
    async for sweeper in answered_by(answer, status):
        with pytest.raises(kind, match=words):
            await sweeper.page(None, START)


async def test_no_account_with_shopify_payments_is_no_error(shop: Running) -> None:
    place = '{"since":"2026-11-23T09:30:00Z","until":"2026-11-24T09:30:00Z","resource":"payouts"}'
    async for sweeper in answered_by({"data": {"shopifyPaymentsAccount": None}}):
        page = await sweeper.page(place, START)
        assert (page.records, page.more) == ((), True)


async def test_a_source_without_an_api_cannot_be_swept(shop: Running) -> None:
    with pytest.raises(ValueError, match="shop-1 has no api"):
        ShopifySweeper(LIVE, Fetcher(shop.http, shop.url))


def test_a_customer_of_a_sweep_is_an_event() -> None:
    found = normalise(
        raw({"id": "gid://shopify/Customer/1", "updatedAt": "2026-11-24T09:30:00Z"}, {}, "customers"), LIVE
    )
    assert isinstance(found, Events)
    assert found.envelopes[0].subject == "customer:1"
