"""The sandbox's webhook as part of a sandbox that is set up, stopped and started again."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from connectors.xero.sandbox import Address, ManualClock, Sandbox, Switches
from tests.contract.xero_sandbox.ear import START, Ear, Line, line, listening, refusal, until
from tests.contract.xero_sandbox.wire_client import Wire, wired
from tests.support.cli import COMMAND, environment, ledgerstream


async def test_who_unsubscribes_hears_no_more() -> None:
    async with line() as talk:
        talk.ear.good = refusal
        await talk.sent("Ann")
        await talk.contact("Bea")
        assert (await talk.wire.admin("DELETE", "/webhooks")).json == {}
        talk.ear.posts.clear()
        talk.clock.advance(3600)
        await asyncio.sleep(0.02)
        assert talk.ear.posts == []
        state = await talk.state()
        assert (state["subscription"], state["gathered"], state["deliveries"][0]["progress"]) == (None, 0, "dropped")


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
        assert "being stopped" in (await sandbox.webhook.subscribe(ear.url, ear.key)).wrong
        assert len(ear.posts) == 6


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
