"""The sweep of a source: over real HTTP, with the cursor in a real ledger, into a broker in memory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from connectors.fetching import Fetcher
from streams.ledger import Ledger, open_ledger
from streams.sweeping import Sweeping
from tests.support.clock import ManualClock
from tests.unit.hearing.api import Api, ListSweeper, serving
from tests.unit.receiver.support import MemoryPublisher

EVERY_S = 900.0
LAG_S = 120.0


@dataclass
class Told:
    """Metrics that remember."""

    records: int = 0
    ends: list[bool | None] = field(default_factory=list)
    failures: int = 0

    def found(self, source: str, records: int) -> None:
        self.records += records

    def swept(self, source: str, at: datetime, is_active: bool | None) -> None:
        self.ends.append(is_active)

    def not_swept(self, source: str) -> None:
        self.failures += 1


@dataclass
class World:
    api: Api
    ledger: Ledger
    publisher: MemoryPublisher
    session: aiohttp.ClientSession
    clock: ManualClock
    told: Told = field(default_factory=Told)

    def sweep(self, owner: str = "one") -> Sweeping:
        sweeper = ListSweeper(Fetcher(self.session, self.api.url), self.api)
        return Sweeping(
            "shop-1",
            EVERY_S,
            sweeper,
            self.ledger,
            self.publisher,
            self.told,
            self.clock,
            owner=owner,
            lag_s=LAG_S,
        )

    def at(self, before_s: float) -> int:
        """A second that is so long ago."""
        return int((self.clock.now() - timedelta(seconds=before_s)).timestamp())

    @property
    def bodies(self) -> list[str]:
        return [value.decode() for _, _, value, _ in self.publisher.records]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = ManualClock()
    ledger = await open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock)
    async with serving(Api()) as api, aiohttp.ClientSession() as session:
        yield World(api, ledger, MemoryPublisher(), session, clock)
    await ledger.close()


async def test_everything_that_changed_goes_into_raw_page_by_page_and_once(world: World) -> None:
    world.api.changes = [(world.at(1000 - n), f"order {n}") for n in range(5)]
    sweep = world.sweep()
    await sweep.turn()
    assert world.bodies == [f"order {n}" for n in range(5)]
    assert {(topic, key, headers["ls_swept"]) for topic, key, _, headers in world.publisher.records} == {
        ("raw", b"shop-1", b"changes")
    }
    assert (world.told.records, world.told.ends) == (5, [True])
    # It is not time yet, and then only what is new is found.
    world.clock.advance(EVERY_S - 1)
    assert await sweep.turn() <= 1.0
    world.api.changes.append((world.at(EVERY_S / 2), "order 5"))
    world.clock.advance(1)
    await sweep.turn()
    assert world.bodies[5:] == ["order 5"]


async def test_a_webhook_gets_the_time_to_come_first(world: World) -> None:
    world.api.changes = [(world.at(LAG_S - 10), "fresh"), (world.at(LAG_S + 10), "old")]
    await world.sweep().turn()
    assert world.bodies == ["old"]


async def test_what_kafka_did_not_take_is_asked_for_again(world: World) -> None:
    world.api.changes = [(world.at(1000 - n), f"order {n}") for n in range(3)]
    world.publisher.away = True
    sweep = world.sweep()
    await sweep.turn()
    assert (await world.ledger.sweeps.list())["shop-1"].cursor is None
    world.publisher.away = False
    await sweep.turn()
    assert world.bodies == ["order 0", "order 1", "order 2"]


async def test_one_worker_leads_and_another_goes_on_where_it_stood(world: World) -> None:
    world.api.changes = [(world.at(1000), "order 0")]
    first, second = world.sweep("one"), world.sweep("two")
    await first.turn()
    await second.turn()
    assert world.bodies == ["order 0"]
    # The first one dies without a word; the second one takes over, and sweeps when it is time.
    world.clock.advance(EVERY_S + 1)
    world.api.changes.append((world.at(500), "order 1"))
    await second.turn()
    assert world.bodies == ["order 0", "order 1"]
    # The first one was only frozen: it does not lead any more.
    asked = len(world.api.asked)
    await first.turn()
    assert len(world.api.asked) == asked


async def test_an_api_that_refuses_is_told_with_the_remedy_until_it_answers(world: World) -> None:
    world.api.answers = [
        web.Response(status=401, text="revoked"),
        web.Response(status=429, headers={"Retry-After": "99"}),
    ]
    sweep = world.sweep()
    assert await sweep.turn() == 5.0
    state = (await world.ledger.sweeps.list())["shop-1"]
    assert state.failure is not None
    assert "401" in state.failure
    assert state.remedy is not None
    assert "token" in state.remedy
    assert await sweep.turn() == 99.0
    await sweep.turn()
    state = (await world.ledger.sweeps.list())["shop-1"]
    assert (state.failure, state.swept_at) == (None, world.clock.now())
    assert world.told.failures == 2


async def test_webhooks_that_the_source_switched_off_are_told(world: World) -> None:
    world.api.active = False
    await world.sweep().turn()
    state = (await world.ledger.sweeps.list())["shop-1"]
    assert (state.is_active, state.subscription, world.told.ends) == (False, "the shop deleted it", [False])


async def test_a_time_that_is_set_back_stops_no_sweep(world: World) -> None:
    await world.sweep("one").turn()
    world.clock.set_by(-86_400)
    asked = len(world.api.asked)
    await world.sweep("two").turn()
    assert len(world.api.asked) > asked
