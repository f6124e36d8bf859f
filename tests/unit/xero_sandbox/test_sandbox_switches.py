"""Switches, faults, clock and keys: what they refuse, and the pure part of what they do."""

import asyncio
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

import connectors.xero.sandbox as package
from connectors.xero.sandbox import Fault, ManualClock, Sandbox, SandboxError, Switches
from connectors.xero.sandbox.faults import Faults
from connectors.xero.sandbox.keys import Keys, Mismatch, fingerprint
from connectors.xero.sandbox.wire import Reply

START = datetime(2026, 9, 14, 8, tzinfo=UTC)


def test_the_public_names() -> None:
    assert sorted(package.__all__) == package.__all__
    assert set(package.__all__) == {
        "Address", "CallRecord", "Clock", "Credentials", "Fault", "ManualClock", "Options", "Sandbox", "SandboxError",
        "SeededOrganisation", "Switches", "SystemClock", "main_async", "run_forever",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"windows": "fixed"}, "unknown switch 'windows'"),
        ({"window": "sliding"}, "expected one of 'fixed', 'rolling', got 'sliding'"),
        ({"minute_limit": -1}, "whole number of 0 or more, got -1"),
        ({"minute_limit": True}, "whole number"),
        ({"siblings_saved_on_400": "yes"}, "expected true or false"),
    ],
)
def test_a_wrong_switch_is_named(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Switches().changed(**changes)


def test_positions_are_drawn_from_a_seed_and_some_are_kept() -> None:
    draws = [Switches.drawn(Random(seed), keep=("window", "scopes")) for seed in range(40)]
    assert draws[3] == Switches.drawn(Random(3), keep=("window", "scopes"))
    assert {(draw.window, draw.scopes) for draw in draws} == {("fixed", "granular")}
    assert {draw.key_in_flight for draw in draws} == {"wait", "409", "400"}
    assert {draw.refresh_grace_s for draw in draws} == {0, 1_800}
    assert {draw.siblings_saved_on_400 for draw in draws} == {True, False}
    assert {draw.minute_limit for draw in draws} == {60}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"path": "("}, "not a regular expression"),
        ({"nth": 0}, "nth of 1 or more"),
        ({"answer": "429-minute", "commit": "all"}, "before the books are touched"),
        ({"commit": "half"}, "commits all"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Fault(**fields)


def test_a_fault_acts_on_the_nth_match_and_so_many_times() -> None:
    faults = Faults()
    faults.order(Fault(answer="500", method="PUT", path="/Invoices$", nth=2, times=2))
    calls = [("PUT", "/Invoices"), ("POST", "/Invoices"), ("PUT", "/Contacts")] + [("PUT", "/Invoices")] * 4
    acted = [faults.take(method, path, "t") is not None for method, path in calls]
    assert acted == [False, False, False, True, True, False, False]


def test_a_fault_may_be_for_one_tenant() -> None:
    faults = Faults()
    faults.order(Fault(answer="hang", tenant_id="a", times=0))
    assert faults.take("GET", "/", "b") is None
    assert all(faults.take("GET", "/", "a") for _ in range(3))


def test_a_key_replays_within_its_life_and_not_after() -> None:
    keys, switches = Keys(), Switches()
    mark = fingerprint("PUT", "/Invoices", b"{}", "bytes")
    keys.close(keys.open("k", mark, 0.0), Reply(500, b"boom"))
    entry = keys.find("k", mark, 359.9, switches)
    assert entry is not None
    assert entry.reply == Reply(500, b"boom")
    with pytest.raises(Mismatch):
        keys.find("k", fingerprint("PUT", "/Invoices", b"{ }", "bytes"), 359.9, switches)
    assert keys.find("k", mark, 360.0, switches) is None


def test_bodies_are_compared_by_bytes_or_by_meaning() -> None:
    one, other = b'{"Name":"a","Id":1}', b'{ "id": 1, "name": "a" }'
    assert fingerprint("PUT", "/", one, "bytes") != fingerprint("PUT", "/", other, "bytes")
    assert fingerprint("PUT", "/", one, "semantic") == fingerprint("PUT", "/", other, "semantic")


async def test_a_manual_clock_wakes_who_is_due() -> None:
    clock, woken = ManualClock(START), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    tasks = [asyncio.create_task(sleeper(seconds)) for seconds in (3, 1, 2)]
    await asyncio.sleep(0)
    clock.advance(2)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert woken == [1, 2]
    assert clock.now() == datetime(2026, 9, 14, 8, 0, 2, tzinfo=UTC)
    clock.advance(5)
    await asyncio.gather(*tasks)
    with pytest.raises(ValueError, match="does not go backwards"):
        clock.advance(-1)
    with pytest.raises(ValueError, match="with a zone"):
        ManualClock(datetime(2026, 1, 1))


def test_a_speed_must_be_positive() -> None:
    with pytest.raises(SandboxError, match="above 0"):
        Sandbox(speed=0)
