"""The sandbox of a shop: it signs, retries and gives up as Shopify does, and answers questions by its rules."""

import asyncio
import json
import signal
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.base import HttpRequest, Unauthentic
from connectors.shopify import queries
from connectors.shopify.sandbox import TOPICS, NotPossible, Options
from connectors.shopify.sandbox.answer import reckoned
from connectors.shopify.sandbox.deliveries import RETRIES_AFTER_S
from connectors.shopify.sandbox.question import Unreadable, read
from connectors.shopify.verify import verify
from tests.support.sandboxes import START, later
from tests.unit.shopify.running import ACCESS, Running, running

ASK = "/admin/api/2026-10/graphql.json"


async def ask(shop: Running, query: str, **variables: Any) -> Any:
    """What the API answers."""
    body = {"query": query, "variables": variables}
    async with shop.http.post(shop.url + ASK, json=body, headers={"X-Shopify-Access-Token": ACCESS}) as answer:
        assert answer.status == 200
        return await answer.json()


def code(answer: Any) -> str:
    return str(answer["errors"][0]["extensions"]["code"])


async def test_webhooks_are_signed(shop: Running) -> None:
    shop.sandbox.shop.place({"MUG-BLUE": 1})
    await shop.sandbox.deliveries.settled()
    assert shop.topics == ["customers/create", "orders/create"]
    for headers, body in shop.ears.heard:
        request = HttpRequest("POST", "/v1/sources/shop-1", tuple(headers.items()), body)
        verify(request, shop.config(), START)
        with pytest.raises(Unauthentic):
            verify(HttpRequest("POST", "/v1/sources/shop-1", request.headers, body + b" "), shop.config(), START)


async def test_one_event_has_one_id_under_all_its_topics(shop: Running) -> None:
    shop.sandbox.shop.pay(shop.sandbox.shop.place({"MUG-BLUE": 1}))
    await shop.sandbox.deliveries.settled()
    ids = {headers["x-shopify-topic"]: headers["x-shopify-event-id"] for headers, _ in shop.ears.heard}
    webhooks = {headers["x-shopify-webhook-id"] for headers, _ in shop.ears.heard}
    assert ids["orders/paid"] == ids["orders/updated"] != ids["orders/create"]
    assert len(webhooks) == len(shop.ears.heard)


async def test_what_fails_comes_again_as_it_was_until_it_is_taken() -> None:
    async with running(is_subscribed=False) as shop:
        shop.sandbox.deliveries.subscribe("orders/create", shop.uri)
        shop.ears.status = 503
        shop.sandbox.shop.place({"MUG-BLUE": 1})
        await shop.sandbox.deliveries.settled()
        await later(shop.clock, shop.sandbox.deliveries, RETRIES_AFTER_S[0])
        shop.ears.status = 200
        await later(shop.clock, shop.sandbox.deliveries, RETRIES_AFTER_S[1])
        [delivery] = shop.sandbox.deliveries.log
        assert (delivery.state, delivery.tries) == ("delivered", [503, 503, 200])
        first, second, third = shop.ears.heard
        assert first[1] == second[1] == third[1]
        for name in ("x-shopify-event-id", "x-shopify-webhook-id", "x-shopify-hmac-sha256", "x-shopify-triggered-at"):
            assert first[0][name] == third[0][name]


async def test_after_eight_retries_in_four_hours_the_subscription_is_deleted() -> None:
    assert (len(RETRIES_AFTER_S), sum(RETRIES_AFTER_S)) == (8, 4 * 3600)
    async with running(is_subscribed=False) as shop:
        shop.sandbox.deliveries.subscribe("orders/create", shop.uri)
        shop.sandbox.deliveries.subscribe("orders/updated", shop.uri)
        shop.ears.status = 500
        order = shop.sandbox.shop.place({"MUG-BLUE": 1})
        await shop.sandbox.deliveries.settled()
        for wait_s in RETRIES_AFTER_S:
            assert len(shop.sandbox.deliveries.subscriptions) == 2
            await later(shop.clock, shop.sandbox.deliveries, wait_s)
        [delivery] = shop.sandbox.deliveries.log
        assert (delivery.state, delivery.tries) == ("failed", [500] * 9)
        assert [one.topic for one in shop.sandbox.deliveries.subscriptions.values()] == ["orders/updated"]
        shop.ears.status = 200
        shop.sandbox.shop.edit(order, po_number="PO-1")
        await shop.sandbox.deliveries.settled()
        assert shop.topics[-1] == "orders/updated", "the other topic is still told"


async def test_nobody_there_is_a_failure_and_a_redirect_is_not_followed(shop: Running) -> None:
    shop.sandbox.deliveries.subscriptions.clear()
    shop.sandbox.deliveries.subscribe("orders/create", "http://127.0.0.1:1/v1/sources/shop-1")
    shop.sandbox.deliveries.subscribe("orders/create", shop.uri)
    shop.ears.status = 307
    shop.sandbox.shop.place({"MUG-BLUE": 1})
    await shop.sandbox.deliveries.settled()
    assert [one.tries for one in shop.sandbox.deliveries.log] == [[0], [307]]


async def test_deliveries_are_lost_doubled_and_reordered_on_order(shop: Running) -> None:
    await shop.call("deliveries", {"lose": 2})
    order = await shop.call("orders", {"items": {"MUG-BLUE": 1}})
    await shop.sandbox.deliveries.settled()
    assert shop.topics == []
    await shop.call("deliveries", {"double": 1})
    await shop.call(f"orders/{order['id']}/edit", {"po_number": "PO-1"})
    await shop.sandbox.deliveries.settled()
    assert shop.topics == ["orders/updated"] * 2
    assert shop.ears.heard[0] == shop.ears.heard[1]
    assert await shop.call("deliveries", {"reorder": 3}) == {"lose": 0, "double": 0, "reorder": 3}
    await shop.call(f"orders/{order['id']}/pay", {})
    await shop.sandbox.deliveries.settled()
    assert shop.topics[2:] == ["orders/updated", "orders/paid", "order_transactions/create"]


async def test_everything_may_be_made_to_happen_over_http(shop: Running) -> None:
    abroad = {"currency": "EUR", "rate": "1.17"}
    order = await shop.call("orders", {"items": {"MUG-BLUE": 2}, "discount": "4.00", "tip": "2.00", "abroad": abroad})
    assert (order["total_price"], order["presentment_currency"], order["total_tax"]) == ("31.95", "EUR", "5.00")
    path = f"orders/{order['id']}"
    held = await shop.call(f"{path}/pay", {"kind": "authorization"})
    assert (held["kind"], held["amount"], held["currency"]) == ("authorization", "37.38", "EUR")
    pending = await shop.call(f"{path}/pay", {"amount": "10.00", "status": "pending", "gateway": "paypal"})
    settled = await shop.call(f"{path}/settle", {"transaction": pending["id"]})
    assert (settled["financial_status"], settled["total_outstanding"]) == ("partially_paid", "21.95")
    await shop.call(f"{path}/pay", {})
    line = str(order["line_items"][0]["id"])
    given = await shop.call(f"{path}/refund", {"lines": {line: 1}, "shipping": True, "gateways": ["shopify_payments"]})
    assert given["refund_line_items"][0]["subtotal_set"]["shop_money"]["amount"] == "12.50"
    assert len(given["refund_shipping_lines"]) == 1
    edited = await shop.call(f"{path}/edit", {"add": {"TEA-250": 1}})
    assert (edited["financial_status"], edited["total_outstanding"]) == ("partially_refunded", "8.95")
    dispute = await shop.call(f"{path}/dispute", {})
    assert (await shop.call(f"disputes/{dispute['id']}", {"status": "won"}))["status"] == "won"
    customer = order["customer"]["id"]
    assert (await shop.call(f"customers/{customer}", {"email": "ada@example.org"}))["email"] == "ada@example.org"
    assert (await shop.call("payouts", {}))["net"] == "3.92"
    assert (await shop.call(f"{path}/cancel", {"reason": "fraud"}))["cancel_reason"] == "fraud"
    async with shop.http.get(f"{shop.url}/_sandbox") as answer:
        state = await answer.json()
    assert state["orders"][0]["id"] == order["id"]
    assert len(state["subscriptions"]) == len(TOPICS)
    assert {one["topic"] for one in state["deliveries"]} == set(TOPICS)


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("orders", {}, "items"),
        ("orders", {"items": {}}, "an order has a line"),
        ("orders", {"items": {"HAT": 1}}, "the shop sells one or more of MUG-BLUE"),
        ("orders", {"items": {"MUG-BLUE": 0}}, "not 0 of MUG-BLUE"),
        ("orders", {"items": {"MUG-BLUE": 1}, "discount": "much"}, "ConversionSyntax"),
        ("orders/1/pay", {}, "the shop has no order 1"),
        ("orders/x/pay", {}, "invalid literal"),
        ("payouts", {}, "there is nothing to pay out"),
        ("subscriptions", {"topics": ["orders/create"], "uri": "ftp://x"}, "http or https address"),
    ],
)
async def test_what_is_not_possible_is_said(shop: Running, path: str, body: Any, said: str) -> None:
    async with shop.http.post(f"{shop.url}/_sandbox/{path}", json=body) as answer:
        found = await answer.json()
        assert answer.status == 400
    assert said in found["error"]
    assert "README.md" in found["remedy"]


async def test_a_body_that_is_no_object_is_refused(shop: Running) -> None:
    for data in (b"[]", b"?"):
        async with shop.http.post(f"{shop.url}/_sandbox/orders", data=data) as answer:
            assert answer.status == 400


async def test_what_the_shop_cannot_do(shop: Running) -> None:
    order = shop.sandbox.shop.place({"MUG-BLUE": 1})
    with pytest.raises(NotPossible, match="nobody has paid"):
        shop.sandbox.shop.refund(order)
    with pytest.raises(NotPossible, match="has no pending transaction 7"):
        shop.sandbox.shop.settle(order, 7)
    with pytest.raises(NotPossible, match="not so many of line"):
        shop.sandbox.shop.refund(order, {order.lines[0].id: 2})
    shop.sandbox.shop.cancel(order)
    with pytest.raises(NotPossible, match="cancelled already"):
        shop.sandbox.shop.cancel(order)


async def test_no_question_of_ours_is_over_the_limit(shop: Running) -> None:
    ours = [*(one.query for one in queries.RESOURCES.values()), queries.LINES, queries.MONEY, queries.REFUND]
    for query in (*ours, queries.SUBSCRIPTIONS):
        assert reckoned(read(query, {"query": "", "id": "x"})[1]) <= 1000


async def test_a_question_over_the_limit_is_refused_and_costs_nothing(shop: Running) -> None:
    answer = await ask(shop, "{ orders(first: 250) { nodes { id lineItems(first: 250) { nodes { id } } } } }")
    assert code(answer) == "MAX_COST_EXCEEDED"
    assert shop.sandbox.api.bucket.available() == 2000


async def test_the_bucket_empties_by_what_came_and_fills_up_by_the_clock(shop: Running) -> None:
    shop.sandbox.shop.place({"MUG-BLUE": 1})
    question = "{ orders(first: 200) { nodes { id customer { id } } } }"
    cost = (await ask(shop, question))["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (402, 4)
    assert cost["throttleStatus"] == {"maximumAvailable": 2000, "currentlyAvailable": 1996, "restoreRate": 100.0}
    shop.sandbox.api.bucket.held = 400
    answer = await ask(shop, question)
    assert (code(answer), answer.get("data")) == ("THROTTLED", None)
    shop.clock.advance(0.02)
    assert "errors" not in await ask(shop, question)
    shop.clock.advance(1000)
    assert shop.sandbox.api.bucket.available() == 2000


async def test_pages_go_on_behind_their_cursor(shop: Running) -> None:
    placed = [shop.sandbox.shop.place({"MUG-BLUE": 1}) for _ in range(5)]
    question = "query Named($n: Int!, $after: String) { all: orders(first: $n, after: $after) { " + (
        "nodes { id } pageInfo { hasNextPage endCursor } } }"
    )
    found: list[str] = []
    after = None
    for has_more in (True, True, False):
        page = (await ask(shop, question, n=2, after=after))["data"]["all"]
        found += [node["id"] for node in page["nodes"]]
        assert page["pageInfo"]["hasNextPage"] is has_more
        after = page["pageInfo"]["endCursor"]
    assert found == [f"gid://shopify/Order/{order.id}" for order in placed]


async def test_a_search_goes_by_what_changed(shop: Running) -> None:
    shop.sandbox.shop.place({"MUG-BLUE": 1})
    shop.clock.advance(60)
    shop.sandbox.shop.place({"MUG-BLUE": 1})
    for search, names in (
        ("updated_at:>='2026-11-24T09:31:00Z'", ["#1002"]),
        ("updated_at:>2026-11-24T09:31:00Z", []),
        ("updated_at:<'2026-11-24T09:31:00Z'", ["#1001"]),
        ("updated_at:<='2026-11-24T09:31:00Z' updated_at:>'2026-11-24T09:29:00Z'", ["#1001", "#1002"]),
        ("name:#1002", ["#1002"]),
        ("", ["#1001", "#1002"]),
    ):
        answer = await ask(shop, "query($q: String) { orders(first: 5, query: $q) { nodes { name } } }", q=search)
        assert [one["name"] for one in answer["data"]["orders"]["nodes"]] == names


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("{ orders(first: 1) { nodes { colour } } }", "undefinedField"),
        ("{ hats(first: 1) { nodes { id } } }", "undefinedField"),
        ("{ orders { nodes { id } } }", "undefinedField"),
        ("{ orders(first: 1) { edges { cursor } } }", "undefinedField"),
        ("{ orders(first: 1) { nodes { id { id } } } }", "undefinedField"),
        ("{ orders(first: 1) { nodes { customer } } }", "undefinedField"),
        ("query($id: ID!) { order(id: $id) { id } }", "syntaxError"),
        ("{ orders(first: 1) { nodes { id } } ", "syntaxError"),
        ("{ orders(first: 1) { nodes { ...Fields } } }", "syntaxError"),
        ("{ shop } { shop }", "syntaxError"),
        ("", "syntaxError"),
    ],
)
async def test_a_question_that_does_not_fit_is_refused(shop: Running, question: str, expected: str) -> None:
    shop.sandbox.shop.place({"MUG-BLUE": 1})
    assert code(await ask(shop, question)) == expected


async def test_what_is_not_there_is_null(shop: Running) -> None:
    answer = await ask(
        shop, '{ order(id: "gid://shopify/Order/1") { id } refund(id: "gid://shopify/Refund/1") { id } }'
    )
    assert answer["data"] == {"order": None, "refund": None}


async def test_a_subscription_is_made_once(shop: Running) -> None:
    made = await ask(shop, queries.SUBSCRIBE, topic="ORDERS_PAID", uri="https://hooks.example.com/v1/sources/shop-1")
    assert made["data"]["webhookSubscriptionCreate"]["webhookSubscription"] == {"topic": "ORDERS_PAID"}
    for uri in ("https://hooks.example.com/v1/sources/shop-1", "ftp://hooks.example.com"):
        again = await ask(shop, queries.SUBSCRIBE, topic="ORDERS_PAID", uri=uri)
        assert again["data"]["webhookSubscriptionCreate"]["webhookSubscription"] is None
        assert again["data"]["webhookSubscriptionCreate"]["userErrors"][0]["message"]


async def test_a_wrong_token_is_refused(shop: Running) -> None:
    async with shop.http.post(shop.url + ASK, json={"query": "{ x }"}) as answer:
        assert answer.status == 401


def test_the_parts_of_a_question() -> None:
    kind, [field] = read('mutation Name { a: make(x: {y: "1\\"", z: [}) { id } }'.replace("[}", "true}"), {})
    assert (kind, field.key, field.name, field.arguments) == ("mutation", "a", "make", {"x": {"y": '1"', "z": True}})
    assert read("{ x(n: -1, e: KEY, v: $v, w: null) }", {"v": 2})[1][0].arguments == {
        "n": -1,
        "e": "KEY",
        "v": 2,
        "w": None,
    }
    with pytest.raises(Unreadable, match="cannot read"):
        read("{ x #", {})


async def test_totals_are_reckoned_to_the_penny(shop: Running) -> None:
    order = shop.sandbox.shop.place({"MUG-BLUE": 3, "SEAT-KID": 1}, discount=Decimal("1.00"), taxes_included=False)
    assert (order.tax, order.total) == (Decimal("13.99"), Decimal("151.43"))
    shop.sandbox.shop.pay(order)
    assert (order.financial_status, order.outstanding) == ("paid", Decimal("0.00"))
    shop.sandbox.shop.refund(order)
    assert (order.financial_status, order.left(order.lines[0])) == ("partially_refunded", 0)


async def test_it_runs_by_itself_and_says_how_to_connect() -> None:
    root = Path(__file__).parents[3]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "streams.cli",
        "sandbox",
        "shopify",
        "--json",
        "--webhooks-to",
        "http://127.0.0.1:1/v1/sources/shop-1",
        stdout=asyncio.subprocess.PIPE,
        cwd=root,
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        said = json.loads(await process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    assert said["api_url"].startswith("http://127.0.0.1:")
    assert said["token"]
    assert said["secret"]


def test_an_address_that_nothing_can_be_sent_to_is_refused() -> None:
    with pytest.raises(ValueError, match="http or https address"):
        Options(webhooks_to="hooks.example.com")
