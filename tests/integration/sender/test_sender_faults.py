"""Xero unwell: each fault that a call can meet. The books end up the same, nothing doubled, nothing lost."""

import asyncio
import contextlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.xero.sandbox import Fault, Switches
from streams.core.after import Patience
from tests.integration.sender.stream import Stream
from tests.integration.sender.world import HURRIED, LOOKING, JumpingClock, World, world


def orders(count: int = 4) -> Stream:
    stream = Stream()
    for place in range(count):
        stream.order(str(1000 + place))
        stream.payment(str(1000 + place), "22.34")
    return stream


def holds_each_once(w: World, count: int = 4) -> None:
    assert set(w.commands().values()) == {"posted"}, (w.commands(), w.letters(), w.questions())
    books = w.books()
    numbers = sorted(one["number"] for one in books["invoices"])
    assert numbers == [f"S1-{1000 + place}" for place in range(count)]
    assert {one["status"] for one in books["invoices"]} == {"PAID"}
    assert sorted(one["document_number"] for one in books["payments"]) == numbers
    assert sum(Decimal(one["amount"]) for one in books["payments"]) == count * Decimal("22.34")
    assert len([one for one in books["contacts"] if one["number"]]) == count
    assert not w.rows("SELECT 1 FROM calls WHERE state = 'open'")


EACH = ("Contacts", "Invoices", "Payments")
FAULTS = [
    Fault(answer="drop", commit="all"),
    Fault(answer="drop", commit="none"),
    Fault(answer="500", commit="half"),
    Fault(answer="500", commit="none"),
    Fault(answer="500", commit="all"),
    Fault(answer="502", commit="all"),
    Fault(answer="502", commit="none"),
    Fault(answer="502", commit="late", delay_s=0.4),
    Fault(answer="504", commit="all"),
    Fault(answer="503", retry_after_s=1),
    Fault(answer="offline"),
    Fault(answer="401"),
    Fault(answer="429-concurrent"),
]


def on(fault: Fault, path: str) -> Fault:
    fields = {name: getattr(fault, name) for name in Fault.__dataclass_fields__}
    return Fault(**{**fields, "method": "PUT", "path": path})


@pytest.mark.parametrize("patience", [HURRIED, LOOKING], ids=["resent", "looked for"])
async def test_each_fault_at_each_step(tmp_path: Path, patience: Patience) -> None:
    """A world for each fault, all at once: most of their time is waiting."""

    async def suffer(w: World, fault: Fault) -> None:
        for path in EACH:
            w.sandbox.order(on(fault, path))
        await w.feed(orders().records)
        await w.until_quiet(40)
        holds_each_once(w)
        assert w.sandbox.throttled["earned"] == 0

    async with contextlib.AsyncExitStack() as stack:
        worlds = []
        for fault in FAULTS:
            folder = tmp_path / f"{fault.answer}-{fault.commits}"
            folder.mkdir()
            worlds.append(await stack.enter_async_context(world(folder, patience=patience)))
        outcomes = await asyncio.gather(*map(suffer, worlds, FAULTS), return_exceptions=True)
    failed = {f"{fault.answer}-{fault.commits}": error for fault, error in zip(FAULTS, outcomes, strict=True) if error}
    assert not failed


@pytest.mark.parametrize(("answer", "wait_s"), [("429-minute", 26), ("429-appminute", 26), ("429-day", 10_800)])
async def test_a_limit_that_others_used_up_is_waited_for(tmp_path: Path, answer: Any, wait_s: int) -> None:
    clock = JumpingClock()
    async with world(tmp_path, clock=clock) as w:
        w.sandbox.order(Fault(answer=answer, retry_after_s=wait_s, method="PUT", path="Invoices"))
        await w.feed(orders().records)
        await w.until(lambda: w.counts.throttles)
        assert w.counts.throttles == [answer.removeprefix("429-")]
        await asyncio.sleep(0.3)
        before = len(w.sandbox.calls)
        await asyncio.sleep(0.5)
        assert len(w.sandbox.calls) == before
        assert w.letters() == []
        clock.ahead_s = wait_s
        w.sender.wake()
        await w.until_quiet()
        holds_each_once(w)


async def test_the_time_that_is_counted_as_waited_is_the_time_that_passed(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.sandbox.order(Fault(answer="429-minute", retry_after_s=4, method="PUT", path="Invoices"))
        await w.feed(orders().records)
        await w.until_quiet()
        assert 3.5 < w.counts.waits < 6


@pytest.mark.parametrize("path", EACH)
async def test_a_call_that_hangs_beyond_the_timeout(tmp_path: Path, path: str) -> None:
    async with world(tmp_path, patience=LOOKING) as w:
        w.sandbox.order(Fault(method="PUT", path=path, answer="hang", commit="all"))
        await w.feed(orders().records)
        await w.until_quiet()
        holds_each_once(w)


@pytest.mark.parametrize("switch", ["wait", "409", pytest.param("400", marks=pytest.mark.all)])
async def test_a_resend_while_the_first_is_still_at_work(tmp_path: Path, switch: Any) -> None:
    """The client gives up, Xero does not: its key is in flight when it comes again."""
    async with world(tmp_path, switches=Switches(key_in_flight=switch)) as w:
        w.sandbox.order(Fault(method="PUT", path="Invoices", answer="normal", delay_s=2.4))
        await w.feed(orders().records)
        await w.until_quiet(40)
        holds_each_once(w)


async def test_a_disconnected_organisation_stops_the_tenant_without_dead_letters(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.sandbox.order(Fault(method="PUT", path="Invoices", answer="403", times=1))
        await w.feed(orders().records)
        await w.until(lambda: w.rows("SELECT * FROM stops"))
        (stop,) = w.rows("SELECT * FROM stops")
        assert (stop["tenant"], stop["cause"]) == ("uk", "disconnected")
        assert "`ledgerstream resume --tenant uk`" in stop["remedy"]
        await w.until(lambda: not w.rows("SELECT 1 FROM commands WHERE state = 'sent'"))
        assert w.letters() == []
        before = len(w.sandbox.calls)
        await asyncio.sleep(0.3)
        assert len(w.sandbox.calls) == before
        await w.ledger.stops.lift(tenant="uk", actor="test")
        w.sender.wake()
        await w.until_quiet()
        holds_each_once(w)


async def test_a_malformed_element_is_found_by_halving_and_the_others_are_booked(tmp_path: Path) -> None:
    """A number that Xero cannot read spoils the whole call, and Xero does not say whose it is."""
    stream = Stream()
    for place in range(24):
        rate = Decimal("9" * 60) if place == 7 else None
        stream.order(str(1000 + place), currency_rate=rate)
    async with world(tmp_path) as w:
        await w.feed(stream.records)
        await w.until_quiet(40)
        states = w.commands()
        poisoned = [command for command, state in states.items() if state == "rejected"]
        assert "shop-1:order-1007-1#invoice" in poisoned
        assert len(poisoned) <= 4
        assert len(w.books()["invoices"]) == 24 - len(poisoned)


async def test_another_total_of_xeros_is_booked_and_asked_about(tmp_path: Path) -> None:
    """A tax rate in Xero that is not the tenant file's: exclusive lines come out otherwise than predicted."""
    stream = Stream()
    stream.order("1001", line_amount_types="Exclusive", total=Decimal("26.31"))
    async with world(tmp_path) as w:
        rates = w.sandbox._engine.books[w.tenant_id].tax_rates
        old = rates.get("OUTPUT2")
        assert old is not None
        rates.put(msgspec.structs.replace(old, rate=Decimal(19)))
        await w.feed(stream.records)
        await w.until(lambda: w.questions())
        (question,) = w.questions()
        assert question["kind"] == "difference"
        assert len(w.books()["invoices"]) == 1
        assert "shop-1:order-1001-1#invoice" in {c for c, state in w.commands().items() if state == "posted"}


async def test_a_look_that_is_told_that_nothing_changed(tmp_path: Path) -> None:
    """Some endpoints answer 304 where nothing changed since: then what was looked for is not there."""
    async with world(tmp_path, patience=LOOKING, switches=Switches(unchanged_is_304=True)) as w:
        w.sandbox.order(Fault(answer="500", commit="none", method="PUT", path="Contacts"))
        await w.feed(orders().records)
        await w.until_quiet()
        holds_each_once(w)


async def test_a_machine_that_sleeps_while_it_looks_for_work_goes_on_when_it_wakes(tmp_path: Path) -> None:
    clock = JumpingClock()
    async with world(tmp_path, clock=clock) as w:
        # In so many moments that some lie within a look.
        for _ in range(200):
            clock.ahead_s += 600
            await asyncio.sleep(0.003)
        await w.feed([Stream().order("1001")])
        await w.until_quiet()
        assert set(w.commands().values()) == {"posted"}
