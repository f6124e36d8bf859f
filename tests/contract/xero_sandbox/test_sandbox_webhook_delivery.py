"""How the sandbox's webhook delivers: the check before, what counts as taken, retries, and misbehaviour by order."""

import asyncio
import itertools
import signal
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from connectors.xero.sandbox import Address, ManualClock, Sandbox, Switches
from tests.contract.xero_sandbox.ear import START, Ear, Line, line, listening, until
from tests.contract.xero_sandbox.wire_client import Wire, wired
from tests.support.cli import COMMAND, environment, ledgerstream

HOUR = 3600.0


def refusal() -> web.Response:
    return web.Response(status=503)


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
DELAYS = (5.0, 15.0, 60.0, 300.0, 900.0, *(23 * [HOUR]), 2320.0)


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


async def test_lost_ones_leave_a_gap() -> None:
    async with line() as talk:
        assert (await talk.wire.admin("POST", "/webhooks/orders", {"lose": 2})).json["lose"] == 2
        await talk.sent("Ann", "Bea", "Cid")
        assert talk.ear.spans == [(3, 3)]
        state = await talk.state()
        assert [(row["progress"], len(row["tries"])) for row in state["deliveries"]] == [
            ("lost", 0),
            ("lost", 0),
            ("delivered", 1),
        ]
        assert state["orders"]["lose"] == 0


async def test_doubled_ones_come_twice_with_the_same_bytes() -> None:
    async with line() as talk:
        await talk.wire.admin("POST", "/webhooks/orders", {"double": 1})
        talk.ear.posts.clear()
        await talk.sent("Ann")
        await until(lambda: talk.ear.spans == [(1, 1), (1, 1)])
        assert talk.ear.posts[0].body == talk.ear.posts[1].body
        await talk.sent("Bea")
        assert talk.ear.spans == [(1, 1), (1, 1), (2, 2)]


async def test_reordered_ones_come_last_first() -> None:
    async with line() as talk:
        await talk.wire.admin("POST", "/webhooks/orders", {"reorder": 3})
        for name in ("Ann", "Bea", "Cid"):
            await talk.contact(name)
            await talk.after(1, lambda: talk.sandbox.webhook.shown()["gathered"] == 0)
        await until(lambda: talk.ear.spans == [(3, 3), (2, 2), (1, 1)])
        await talk.sent("Dee")
        assert talk.ear.spans[-1] == (4, 4)


async def test_what_is_held_is_sent_when_a_test_is_done_with_it() -> None:
    async with line() as talk:
        await talk.wire.admin("POST", "/webhooks/orders", {"reorder": 9})
        for name in ("Ann", "Bea"):
            await talk.contact(name)
            await talk.after(1, lambda: talk.sandbox.webhook.shown()["gathered"] == 0)
        assert [row["progress"] for row in (await talk.state())["deliveries"]] == ["held", "held"]
        await talk.contact("Cid")
        assert [row["number"] for row in await talk.deliver()] == [3, 2, 1]
        assert talk.ear.spans == [(3, 3), (2, 2), (1, 1)]


async def test_delayed_ones_are_overtaken() -> None:
    async with line() as talk:
        await talk.wire.admin("POST", "/webhooks/orders", {"delay_s": 30})
        await talk.sent("Ann", "Bea")
        assert talk.ear.spans == [(2, 2)]
        await talk.after(30, lambda: talk.ear.spans == [(2, 2), (1, 1)])


async def test_a_key_that_is_replaced_signs_what_waits_and_the_sequence_goes_on() -> None:
    async with line() as talk:
        talk.ear.good = refusal
        await talk.sent("Ann")
        talk.ear.good, talk.ear.key = web.Response, "the next key"
        assert (await talk.subscribe())["next_sequence"] == 2
        talk.ear.posts.clear()
        await talk.after(5, lambda: len(talk.ear.posts) == 1)
        await until(lambda: talk.sandbox.webhook.shown()["deliveries"][0]["progress"] == "delivered")


async def test_who_unsubscribes_hears_no_more() -> None:
    async with line() as talk:
        talk.ear.good = refusal
        await talk.sent("Ann")
        await talk.contact("Bea")
        assert (await talk.wire.admin("DELETE", "/webhooks")).json == {}
        talk.ear.posts.clear()
        talk.clock.advance(HOUR)
        await asyncio.sleep(0.02)
        assert talk.ear.posts == []
        state = await talk.state()
        assert (state["subscription"], state["gathered"], state["deliveries"][0]["progress"]) == (None, 0, "dropped")


async def test_what_is_held_goes_with_the_subscription() -> None:
    async with line() as talk:
        await talk.wire.admin("POST", "/webhooks/orders", {"reorder": 9})
        await talk.contact("Ann")
        await talk.after(1, lambda: talk.sandbox.webhook.shown()["gathered"] == 0)
        await talk.wire.admin("DELETE", "/webhooks")
        await talk.subscribe()
        assert await talk.deliver() == []
        assert (talk.ear.spans, (await talk.state())["deliveries"][0]["progress"]) == ([], "dropped")


async def test_an_address_that_is_changed_and_fails_ends_what_waits() -> None:
    async with line() as talk:
        talk.ear.good = refusal
        await talk.sent("Ann")
        await talk.contact("Bea")
        assert (await talk.subscribe())["status"] == "disabled"
        state = await talk.state()
        assert (state["gathered"], state["deliveries"][0]["progress"]) == (0, "dropped")


async def test_a_sandbox_that_is_stopped_waits_for_nobody() -> None:
    sandbox = Sandbox(clock=ManualClock(START))
    async with listening() as ear, aiohttp.ClientSession() as session:
        async with sandbox.serve() as address:
            talk = Line(Wire(sandbox, address, session), ear, ManualClock(START))
            await talk.wire.sign_in()
            await talk.subscribe()
            ear.deaf = True
            await talk.contact("Ann")
            waiting = [asyncio.create_task(talk.deliver()), asyncio.create_task(talk.subscribe())]
            await until(lambda: len(ear.posts) == 6)
        # Both calls still had their answers.
        [delivery], subscription = await asyncio.gather(*waiting)
        assert (delivery["progress"], subscription["status"]) == ("dropped", "disabled")
        assert len(ear.posts) == 6


@pytest.mark.parametrize(
    ("method", "path", "body", "error"),
    [
        ("PUT", "", {"url": "ftp://127.0.0.1/", "key": "k"}, "sent to an http or https address, got 'ftp:"),
        ("PUT", "", {"url": "http://", "key": "k"}, "sent to an http or https address"),
        ("PUT", "", {"url": "http://127.0.0.1:99999/", "key": "k"}, "sent to an http or https address"),
        ("PUT", "", {"url": "http://127.0.0.1/", "key": ""}, "expected {'url'"),
        ("PUT", "", {"key": "k"}, "expected {'url'"),
        ("POST", "/orders", {"loose": 1}, "unknown field `loose`"),
        ("POST", "/orders", {"lose": -1}, "`int` >= 0"),
        ("GET", "?after=x", None, "expected a whole number, got 'x'"),
    ],
)
async def test_a_wrong_request_is_told_what_is_wrong(method: str, path: str, body: Any, error: str) -> None:
    async with line() as talk:
        answer = await talk.wire.admin(method, f"/webhooks{path}", body)
        assert (answer.status, error in answer.json["error"]) == (400, True), answer.json
        assert (await talk.state())["subscription"]["url"] == talk.ear.url


async def test_without_a_webhook_there_is_nothing_to_enable_or_deliver() -> None:
    async with wired(Sandbox()) as wire:
        for path in ("enable", "deliver"):
            answer = await wire.admin("POST", f"/webhooks/{path}")
            assert (answer.status, "there is no webhook" in answer.json["error"]) == (400, True)


async def test_the_state_is_shown_from_a_number_on_and_never_the_key() -> None:
    async with line() as talk:
        await talk.sent("Ann", "Bea")
        answer = await talk.wire.admin("GET", "/webhooks?after=1")
        assert [row["number"] for row in answer.json["deliveries"]] == [2]
        assert [event["eventCategory"] for event in answer.json["deliveries"][0]["events"]] == ["CONTACT"]
        assert talk.ear.key.encode() not in answer.body


async def test_the_subscription_and_its_sequence_come_back(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    async with listening() as ear:
        async with wired(Sandbox(clock=ManualClock(START), state_path=path)) as wire:
            talk = Line(wire, ear, ManualClock(START))
            await talk.subscribe()
            await talk.sent("Ann")
        assert b'"webhook"' in path.read_bytes()
        async with wired(Sandbox(clock=ManualClock(START), state_path=path)) as wire:
            await Line(wire, ear, ManualClock(START)).sent("Bea")
        assert ear.spans == [(1, 1), (2, 2)]


async def test_a_kill_forgets_no_sequence_that_was_saved(tmp_path: Path) -> None:
    path, copy = tmp_path / "state.json", tmp_path / "killed.json"
    async with listening() as ear, wired(Sandbox(clock=ManualClock(START), state_path=path)) as wire:
        talk = Line(wire, ear, ManualClock(START))
        await talk.subscribe()
        await talk.contact("Ann")
        await asyncio.sleep(0.3)
        await talk.deliver()
        await asyncio.sleep(0.3)
        copy.write_bytes(path.read_bytes())
    found = Sandbox(state_path=copy).webhook.shown()["subscription"]
    assert (found["next_sequence"], found["status"], found["url"]) == (2, "ok", ear.url)


async def test_a_sandbox_that_was_told_where_to_waits_for_its_receiver() -> None:
    ear, clock = Ear(good=refusal), ManualClock(START)
    async with listening(ear), wired(Sandbox(clock=clock)) as wire:
        wire.sandbox.webhook.insist(ear.url, ear.key)
        await until(lambda: len(ear.posts) == 1)
        talk = Line(wire, ear, clock)
        await talk.after(0, lambda: wire.sandbox.webhook.subscription is not None)
        ear.good = web.Response
        await talk.after(5, lambda: len(ear.posts) == 5)
        await until(lambda: wire.sandbox.webhook.shown()["subscription"]["status"] == "ok")


async def test_what_a_person_sets_meanwhile_stays() -> None:
    ear, clock = Ear(), ManualClock(START)
    async with listening(ear), wired(Sandbox(clock=clock)) as wire:
        wire.sandbox.webhook.insist("http://127.0.0.1:1/", "k")
        await until(lambda: wire.sandbox.webhook.subscription is not None)
        talk = Line(wire, ear, clock)
        assert (await talk.subscribe())["status"] == "ok"
        clock.advance(60)
        await asyncio.sleep(0.02)
        assert (await talk.state())["subscription"]["url"] == ear.url


async def test_from_the_command_line() -> None:
    async with listening() as ear:
        command = [*COMMAND, "sandbox", "xero", "--json", "--webhooks-to", ear.url, "--webhooks-key", ear.key]
        process = await asyncio.create_subprocess_exec(
            *command, "--switch", "webhook_gather_ms=20", stdout=asyncio.subprocess.PIPE, env=environment({})
        )
        assert process.stdout is not None
        told = orjson.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        async with aiohttp.ClientSession() as session:
            wire = Wire(Sandbox(switches=Switches()), Address(told["identity_url"]), session)
            await wire.sign_in()
            await until(lambda: len(ear.posts) == 4)
            await wire.call("PUT", "/Contacts", {"Name": "Ann"})
            await until(lambda: ear.told == [("CONTACT", "CREATE")])
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--webhooks-to", "http://127.0.0.1/"), "a webhook needs both its address and its key"),
        (("--webhooks-to", "nowhere", "--webhooks-key", "k"), "an http or https address, got 'nowhere'"),
    ],
)
def test_half_a_webhook_is_refused(options: tuple[str, ...], sentence: str) -> None:
    refused = ledgerstream("sandbox", "xero", *options)
    assert (refused.returncode, sentence in refused.stderr, "Traceback" in refused.stderr) == (2, True, False)
