"""The day's budget lasts (design 7.2): 1,000 orders on 1,000 calls are all posted, and a fifth of the calls is left."""

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.model.day import Day

STARTER, CORE = 1_000, 5_000
EVERY_S = 86.4


@pytest.fixture
async def starter(tmp_path: Path, empty: Path) -> AsyncIterator[Day]:
    day = Day(tmp_path, empty, STARTER)
    yield day
    await day.close()


@pytest.fixture
async def core(tmp_path: Path, empty: Path) -> AsyncIterator[Day]:
    day = Day(tmp_path, empty, CORE)
    yield day
    await day.close()


async def test_an_hour_of_an_even_day_uses_less_than_its_share(starter: Day) -> None:
    """1,000 orders with payments are 3,000 calls, if each goes by itself."""
    orders = round(3600 / EVERY_S)
    await starter.pass_with_orders(20, EVERY_S)
    first, *behind = await starter.waiting()
    assert (first.waits_for, first.why and "waits to be filled" in first.why) == ("budget", True)
    assert first.until is not None
    assert first.until - starter.clock.now() < dt.timedelta(minutes=22)
    assert {one.waits_for for one in behind} == {"dependency"}
    await starter.pass_with_orders(orders - 20, EVERY_S, first=20)
    await starter.finish()
    *once, twice = sorted(await starter.passage_s())
    assert max(once) < 10, "an order whose contact waited to be booked need not wait again"
    assert twice < 22 * 60, "one was under way when the calls began to run short"
    calls = len(starter.xero.traffic.arrivals)
    assert calls <= STARTER * 0.8 / 24 + 17, "its share of the day, and what may be used at once"
    assert len(starter.xero.books.tables["Payments"]) == orders
    assert starter.xero.traffic.wrong == []


async def test_with_calls_to_spare_each_order_is_booked_at_once(core: Day) -> None:
    """A hundred calls in the hour are a pace that the day's 5,000 allow."""
    await core.pass_with_orders(35, EVERY_S)
    assert len(core.xero.books.tables["Payments"]) == 35
    assert len(core.xero.traffic.arrivals) == 105


@pytest.mark.all
@pytest.mark.timeout(900)
@pytest.mark.parametrize("morning", [False, True], ids=["evenly", "most of them in four hours"])
async def test_a_thousand_orders_on_a_thousand_calls(starter: Day, morning: bool) -> None:
    rush = 700 if morning else 0
    if rush:
        await starter.pass_with_orders(rush, 4 * 3600 / rush)
    rest = 1000 - rush
    hours = 20 if rush else 24
    await starter.pass_with_orders(rest, hours * 3600 / rest, first=rush)
    await starter.finish()
    books = starter.xero.books.tables
    assert [len(books[kind]) for kind in ("Contacts", "Invoices", "Payments")] == [1000, 1000, 1000]
    assert len(starter.xero.traffic.arrivals) <= STARTER * 0.8
    assert starter.xero.traffic.wrong == []
