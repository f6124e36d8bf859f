"""Faults and idempotency keys on the wire: what the client gets, what the books hold, what the key replays."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from connectors.xero.sandbox import Fault, ManualClock, Sandbox
from tests.contract.xero_sandbox.wire_client import NoAnswer, Wire, wired

ANN = {"Contacts": [{"Name": "Ann"}]}
FOUR = {"Contacts": [{"Name": name} for name in "ABCD"]}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 9, 14, 8, tzinfo=UTC))


@pytest_asyncio.fixture
async def wire(clock: ManualClock) -> AsyncIterator[Wire]:
    async with wired(Sandbox(clock=clock)) as wire:
        yield wire


async def settle() -> None:
    """Let what was woken run, and what was sent arrive."""
    await asyncio.sleep(0.03)


@pytest.mark.parametrize(
    ("fault", "status", "kept"),
    [
        (Fault(answer="drop", commit="none"), 0, ""),
        (Fault(answer="drop", commit="all"), 0, "ABCD"),
        (Fault(answer="drop", commit="half"), 0, "AB"),
        (Fault(answer="500"), 500, ""),
        (Fault(answer="500", commit="all"), 500, "ABCD"),
        (Fault(answer="500", commit="half"), 500, "AB"),
        (Fault(answer="502"), 502, ""),
        (Fault(answer="504", commit="all"), 504, "ABCD"),
        (Fault(answer="503"), 503, ""),
        (Fault(answer="offline"), 503, ""),
        (Fault(answer="401"), 401, ""),
        (Fault(answer="403"), 403, ""),
        (Fault(answer="429-day"), 429, ""),
    ],
    ids=lambda value: f"{value.answer}-{value.commits}" if isinstance(value, Fault) else None,
)
async def test_what_the_client_gets_and_what_the_books_hold(wire: Wire, fault: Fault, status: int, kept: str) -> None:
    wire.sandbox.order(fault)
    try:
        answer = await wire.call("PUT", "/Contacts", FOUR)
        assert answer.status == status
    except NoAnswer:
        assert status == 0
    assert "".join(wire.names()) == kept
    assert (await wire.call("GET", "/Contacts")).status == 200


async def test_a_late_commit_comes_after_the_client_gave_up(wire: Wire, clock: ManualClock) -> None:
    wire.sandbox.order(Fault(answer="504", commit="late", delay_s=30))
    assert (await wire.call("PUT", "/Contacts", ANN)).status == 504
    clock.advance(29)
    await settle()
    assert wire.names() == []
    clock.advance(1)
    await settle()
    assert wire.names() == ["Ann"]


async def test_a_slow_call_commits_though_the_client_has_left(wire: Wire, clock: ManualClock) -> None:
    wire.sandbox.order(Fault(delay_s=60))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(wire.call("PUT", "/Contacts", ANN), 0.1)
    clock.advance(60)
    await settle()
    assert wire.names() == ["Ann"]


async def test_a_hanging_call_holds_its_place_until_the_client_leaves(wire: Wire) -> None:
    wire.sandbox.switches = wire.sandbox.switches.changed(concurrent_limit=1)
    wire.sandbox.order(Fault(answer="hang", commit="all"))
    hanging = asyncio.create_task(wire.call("PUT", "/Contacts", ANN))
    await settle()
    refused = await wire.call("GET", "/Contacts")
    assert (refused.status, refused.headers["X-Rate-Limit-Problem"]) == (429, "concurrent")
    assert "Retry-After" not in refused.headers
    hanging.cancel()
    await asyncio.sleep(0.2)
    assert (await wire.call("GET", "/Contacts")).status == 200
    assert wire.names() == ["Ann"]


async def test_the_empty_429_has_the_recorded_shape(wire: Wire) -> None:
    wire.sandbox.order(Fault(answer="429-minute", retry_after_s=26))
    answer = await wire.call("GET", "/Contacts")
    assert (answer.status, answer.body) == (429, b"")
    assert "Content-Type" not in answer.headers
    assert answer.headers["X-Rate-Limit-Problem"] == "minute"
    assert (answer.headers["X-MinLimit-Remaining"], answer.headers["Retry-After"]) == ("0", "26")
    assert int(answer.headers["X-DayLimit-Remaining"]) > 0
    assert answer.headers["X-Sandbox-Throttled"] == "ordered"


async def test_the_minute_runs_faster_with_speed() -> None:
    async with wired(Sandbox(clock=(clock := ManualClock(datetime(2026, 9, 14, tzinfo=UTC))), speed=20)) as wire:
        wire.sandbox.switches = wire.sandbox.switches.changed(minute_limit=1)
        statuses = [(await wire.call("GET", "/Currencies")).status for _ in range(2)]
        assert statuses == [200, 429]
        clock.advance(3)
        assert (await wire.call("GET", "/Currencies")).status == 200
        assert wire.sandbox.throttled == {"ordered": 0, "earned": 1}


async def test_a_400_counts_and_token_and_connections_do_not(wire: Wire) -> None:
    before = await wire.call("GET", "/Currencies")
    await wire.call("PUT", "/Contacts", {"Contacts": [{}]})
    await wire.sign_in()
    async with wire.session.get(
        wire.address.connections_url, headers={"Authorization": f"Bearer {wire.token}"}
    ) as response:
        assert not [name for name in response.headers if "Limit" in name]
    after = await wire.call("GET", "/Currencies")
    left = [int(answer.headers["X-MinLimit-Remaining"]) for answer in (before, after)]
    assert left[0] - left[1] == 2


async def test_a_key_replays_the_first_answer(wire: Wire) -> None:
    first = await wire.call("PUT", "/Contacts", ANN, key="k1")
    again = await wire.call("PUT", "/Contacts", ANN, key="k1")
    assert again.body == first.body
    assert wire.names() == ["Ann"]
    assert int(again.headers["X-MinLimit-Remaining"]) == int(first.headers["X-MinLimit-Remaining"]) - 1
    assert [call.replayed for call in wire.sandbox.calls] == [False, True]


async def test_a_key_replays_a_refusal_and_a_failure_until_it_dies(wire: Wire, clock: ManualClock) -> None:
    wire.sandbox.order(Fault(answer="500"))
    statuses = [(await wire.call("PUT", "/Contacts", ANN, key="k1")).status for _ in range(2)]
    assert statuses == [500, 500]
    clock.advance(359)
    assert (await wire.call("PUT", "/Contacts", ANN, key="k1")).status == 500
    clock.advance(1)
    assert (await wire.call("PUT", "/Contacts", ANN, key="k1")).status == 200
    assert (await wire.call("PUT", "/Contacts", ANN, key="k2")).status == 400
    assert (await wire.call("PUT", "/Contacts", ANN, key="k2")).status == 400


@pytest.mark.parametrize("answer", ["401", "403", "503", "429-minute", "502"])
async def test_what_never_reached_the_books_uses_no_key(wire: Wire, answer: Any) -> None:
    wire.sandbox.order(Fault(answer=answer))
    await wire.call("PUT", "/Contacts", ANN, key="k1")
    assert (await wire.call("PUT", "/Contacts", ANN, key="k1")).status == 200


async def test_the_same_key_with_another_request_is_refused(wire: Wire) -> None:
    await wire.call("PUT", "/Contacts", ANN, key="k1")
    for method, path, body in (("PUT", "/Contacts", FOUR), ("POST", "/Contacts", ANN), ("PUT", "/Contacts?x=1", ANN)):
        answer = await wire.call(method, path, body, key="k1")
        assert answer.status == 400
        assert "is used with a different request." in answer.json["Message"]
    wire.sandbox.switches = wire.sandbox.switches.changed(key_mismatch_place="elements")
    answer = await wire.call("PUT", "/Contacts", FOUR, key="k1")
    assert "different request" in answer.json["Elements"][0]["ValidationErrors"][0]["Message"]


@pytest.mark.parametrize(("policy", "status"), [("wait", 200), ("409", 409), ("400", 400)])
async def test_a_key_whose_first_call_is_still_running(
    wire: Wire, clock: ManualClock, policy: Any, status: int
) -> None:
    wire.sandbox.switches = wire.sandbox.switches.changed(key_in_flight=policy)
    wire.sandbox.order(Fault(answer="504", commit="late", delay_s=10))
    assert (await wire.call("PUT", "/Contacts", ANN, key="k1")).status == 504
    second = asyncio.create_task(wire.call("PUT", "/Contacts", ANN, key="k1"))
    await settle()
    clock.advance(10)
    assert (await second).status == status
    await settle()
    assert wire.names() == ["Ann"]


@pytest.mark.parametrize(("scope", "status"), [("app", 400), ("tenant", 200)])
async def test_the_scope_of_a_key(wire: Wire, scope: Any, status: int) -> None:
    wire.sandbox.switches = wire.sandbox.switches.changed(key_scope=scope)
    await wire.call("PUT", "/Contacts", ANN, key="k1")
    other = wire.sandbox.organisations[1].tenant_id
    answer = await wire.call("PUT", "/Contacts", FOUR, key="k1", tenant=other)
    assert answer.status == status


async def test_siblings_of_a_refused_element_follow_the_switch(wire: Wire) -> None:
    batch = {"Contacts": [{"Name": "Ann"}, {"Name": ""}]}
    assert (await wire.call("PUT", "/Contacts", batch)).status == 400
    assert wire.names() == []
    wire.sandbox.switches = wire.sandbox.switches.changed(siblings_saved_on_400=True, validation_text="Description")
    answer = await wire.call("PUT", "/Contacts", batch)
    assert (answer.status, wire.names()) == (400, ["Ann"])
    assert "Description" in answer.json["Elements"][0]["ValidationErrors"][0]


async def test_a_body_that_is_too_large_or_no_json(wire: Wire) -> None:
    wire.sandbox.switches = wire.sandbox.switches.changed(body_bytes_max=100)
    assert (await wire.call("PUT", "/Contacts", {"Contacts": [{"Name": "x" * 200}]})).status == 413
    answer = await wire.call("PUT", "/Contacts", b"{")
    assert (answer.status, answer.json["ErrorNumber"]) == (400, 14)


@pytest.mark.parametrize("body", [b"[1]", b"7", b"null", b'{"Contacts":"x"}', b'{"Contacts":[{"Phones":{}}]}'])
async def test_any_nonsense_is_malformed_and_never_a_500(wire: Wire, body: bytes) -> None:
    answer = await wire.call("PUT", "/Contacts", body)
    assert (answer.status, answer.json["ErrorNumber"]) == (400, 14)


async def test_without_asking_for_json_the_answer_is_xml(wire: Wire) -> None:
    answer = await wire.call("GET", "/Currencies", Accept="*/*")
    assert answer.headers["Content-Type"].startswith("text/xml")
    assert b"<Currencies><Currency><Code>EUR</Code>" in answer.body


async def test_an_unchanged_list_may_be_a_304(wire: Wire) -> None:
    since = {"If-Modified-Since": "2030-01-01T00:00:00"}
    assert (await wire.call("GET", "/Contacts", **since)).json["Contacts"] == []
    wire.sandbox.switches = wire.sandbox.switches.changed(unchanged_is_304=True)
    assert (await wire.call("GET", "/Contacts", **since)).status == 304
    assert (await wire.call("GET", "/Contacts", **{"If-Modified-Since": "yesterday"})).status == 412
