"""How the sandbox's webhook delivers: the check before, what counts as taken, retries until it is disabled."""

import asyncio
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from aiohttp import web

from tests.contract.xero_sandbox.ear import Ear, Line, line, refusal, until


def with_body() -> web.Response:
    return web.Response(text="ok")


def with_cookie() -> web.Response:
    answer = web.Response()
    answer.set_cookie("session", "1")
    return answer


def elsewhere() -> web.Response:
    return web.Response(status=307, headers={"Location": "/elsewhere"})


async def test_the_check_sends_empty_deliveries_signed_rightly_and_wrongly() -> None:
    async with line() as talk:
        bodies = [heard.json for heard in talk.ear.posts]
        assert len({body.pop("entropy") for body in bodies}) == 4
        assert bodies == [{"events": [], "firstEventSequence": 0, "lastEventSequence": 0}] * 4
        assert (await talk.state())["subscription"] == {
            "url": talk.ear.url, "status": "ok", "wrong": "", "next_sequence": 1
        }  # fmt: skip


@pytest.mark.parametrize(
    ("ear", "wrong"),
    [
        (Ear(bad=web.Response), "a wrong signature: status 200, expected 401"),
        (Ear(good=lambda: web.Response(status=401)), "a right signature: status 401, expected 200"),
        (Ear(good=lambda: web.Response(status=202)), "a right signature: status 202, expected 200"),
        (Ear(good=with_body), "a right signature: the answer has a body"),
        (Ear(bad=lambda: web.Response(status=401, text="no")), "a wrong signature: the answer has a body"),
        (Ear(good=with_cookie), "a right signature: the answer sets a cookie"),
        (Ear(key="another key"), "a right signature: status 401"),
    ],
)
async def test_an_address_that_fails_the_check_is_told_nothing(ear: Ear, wrong: str) -> None:
    async with line(ear) as talk:
        answer = await talk.subscribe(key="S2V5IG9mIHRoZSB3ZWJob29r")
        assert (answer["status"], wrong in answer["wrong"]) == ("disabled", True)
        await talk.sent("Ann")
        assert talk.ear.deliveries == []


async def test_nobody_there_fails_the_check_and_a_person_enables_it_later() -> None:
    async with line() as talk:
        url = talk.ear.url
        answer = await talk.subscribe(url="http://127.0.0.1:1/")
        assert answer["wrong"].startswith("intent to receive, a right signature: no answer: ")
        assert (await talk.wire.admin("POST", "/webhooks/enable")).json["status"] == "disabled"
        assert (await talk.subscribe(url=url))["status"] == "ok"
        await talk.sent("Ann")
        assert talk.ear.spans == [(1, 1)]


@pytest.mark.parametrize(
    ("answering", "status", "wrong"),
    [
        (refusal, 503, "status 503, expected 200"),
        (lambda: web.Response(status=204), 204, "status 204, expected 200"),
        (with_body, 200, "the answer has a body"),
        (with_cookie, 200, "the answer sets a cookie"),
        (elsewhere, 307, "status 307, expected 200"),
    ],
)
async def test_what_is_not_taken_comes_again_with_the_same_bytes(
    answering: Callable[[], web.Response], status: int, wrong: str
) -> None:
    async with line() as talk:
        talk.ear.posts.clear()
        talk.ear.good = answering
        await talk.sent("Ann")
        talk.ear.good = web.Response
        talk.clock.advance(4.9)
        await asyncio.sleep(0.02)
        assert len(talk.ear.posts) == 1
        await talk.after(0.1, lambda: len(talk.ear.posts) == 2)
        first, second = talk.ear.posts
        assert (first.body, first.path) == (second.body, second.path)
        await until(lambda: talk.sandbox.webhook.shown()["deliveries"][0]["progress"] == "delivered")
        tries = (await talk.state())["deliveries"][0]["tries"]
        assert [(tried["status"], tried["wrong"]) for tried in tries] == [(status, wrong), (200, "")]


async def test_an_answer_later_than_five_seconds_is_none() -> None:
    async with line() as talk:
        talk.ear.deaf = True
        talk.ear.posts.clear()
        await talk.contact("Ann")
        await talk.after(1, lambda: len(talk.ear.posts) == 1)
        # Calls go on meanwhile.
        assert (await talk.wire.call("GET", "/Contacts")).status == 200
        talk.clock.advance(4.9)
        await asyncio.sleep(0.02)
        assert (await talk.state())["deliveries"][0]["tries"] == []
        talk.clock.advance(0.1)
        await talk.tried(1)
        [tried] = (await talk.state())["deliveries"][0]["tries"]
        assert (tried["status"], tried["wrong"]) == (0, "no answer within 5 s")


async def test_first_tries_keep_their_order_however_slow_the_answers_are() -> None:
    async with line() as talk:
        talk.ear.deaf = True
        talk.ear.posts.clear()
        for name in ("Ann", "Bea"):
            await talk.contact(name)
            await talk.after(1, lambda: talk.sandbox.webhook.shown()["gathered"] == 0)
        await asyncio.sleep(0.02)
        assert talk.ear.spans == [(1, 1)]
        talk.ear.may_answer.set()
        await until(lambda: talk.ear.spans == [(1, 1), (2, 2)])


async def test_a_later_delivery_overtakes_one_that_waits() -> None:
    async with line() as talk:
        talk.ear.good = refusal
        await talk.sent("Ann")
        talk.ear.good = web.Response
        talk.ear.posts.clear()
        await talk.sent("Bea")
        await talk.after(5, lambda: talk.ear.spans == [(2, 2), (1, 1)])


# Rarer and rarer, and the last a day after the first.
DELAYS = (5.0, 15.0, 60.0, 300.0, 900.0, *(23 * [3600.0]), 2320.0)


async def a_day_away(talk: Line) -> None:
    """Nobody takes a delivery for 24 hours."""
    talk.ear.good = refusal
    await talk.sent("Ann")
    for count, delay_s in enumerate(DELAYS, 1):
        await talk.tried(count)
        assert talk.sandbox.webhook.shown()["subscription"]["status"] == "ok", f"disabled after {count} tries"
        if count == len(DELAYS):
            ann = (await talk.state())["deliveries"][0]["events"][0]["resourceId"]
            await talk.wire.admin("POST", f"/organisations/{talk.wire.tenant}/contacts/{ann}/archive")
        talk.clock.advance(delay_s)
    await until(lambda: talk.sandbox.webhook.shown()["subscription"]["status"] == "disabled")
    # Tokens live for half an hour.
    await talk.wire.sign_in()


@pytest.mark.parametrize(("counts", "next_sequence"), [(False, 3), (True, 5)])
async def test_after_a_day_of_refusals_it_is_disabled_until_a_person_enables_it(
    counts: bool, next_sequence: int
) -> None:
    async with line(webhook_counts_while_disabled=counts) as talk:
        await a_day_away(talk)
        state = await talk.state()
        tries = [datetime.fromisoformat(tried["at"]) for tried in state["deliveries"][0]["tries"]]
        assert tuple((later - earlier).total_seconds() for earlier, later in itertools.pairwise(tries)) == DELAYS
        assert tries[-1] - tries[0] == timedelta(hours=24)
        assert (state["subscription"]["status"], state["subscription"]["wrong"]) == (
            "disabled",
            "a delivery was not taken for 24 h",
        )
        # With the one that came a day too late goes what came just before its end.
        assert [row["progress"] for row in state["deliveries"]] == ["dropped", "dropped"]
        talk.ear.posts.clear()
        await talk.sent("Bea", "Cid")
        assert (await talk.wire.admin("POST", "/webhooks/enable")).json["status"] == "disabled"
        talk.ear.good = web.Response
        assert (await talk.wire.admin("POST", "/webhooks/enable")).json["status"] == "ok"
        assert (await talk.state())["subscription"]["next_sequence"] == next_sequence
        await talk.sent("Dee")
        assert talk.ear.spans == [(next_sequence, next_sequence)]


async def test_a_key_that_is_replaced_signs_what_waits_and_the_sequence_goes_on() -> None:
    async with line() as talk:
        talk.ear.good = refusal
        await talk.sent("Ann")
        talk.ear.good, talk.ear.key = web.Response, "the next key"
        assert (await talk.subscribe())["next_sequence"] == 2
        talk.ear.posts.clear()
        await talk.after(5, lambda: len(talk.ear.posts) == 1)
        await until(lambda: talk.sandbox.webhook.shown()["deliveries"][0]["progress"] == "delivered")


async def test_an_address_that_is_changed_and_fails_ends_what_waits() -> None:
    async with line() as talk:
        talk.ear.good = refusal
        await talk.sent("Ann")
        await talk.contact("Bea")
        assert (await talk.subscribe())["status"] == "disabled"
        state = await talk.state()
        assert (state["gathered"], state["deliveries"][0]["progress"]) == (0, "dropped")
