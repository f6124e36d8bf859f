"""Rounds of chaos as `make chaos` plays them; and faults of ours, planted, that the harness must find."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from tests.chaos import round as rounds
from tests.chaos.mix import Size
from tests.chaos.rig import Rig, rig
from tests.chaos.round import Outcome, Plan
from tests.chaos.run import run
from tests.chaos.schedule import Strike
from tests.chaos.site import site

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("chaos")]
SMALL = Size(stories=10, seconds=2.5)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def here() -> AsyncIterator[Rig]:
    async with rig() as found:
        yield found


def drawn() -> int:
    return random.SystemRandom().randrange(10**6)


@pytest.mark.timeout(300)
async def test_five_rounds(here: Rig) -> None:
    totals = await run(here, 5, drawn(), size=SMALL)
    assert totals.ok, totals.as_json()
    assert totals.rounds == 5
    assert totals.events > 100


async def planted(here: Rig, name: str, seed: int, *strikes: Strike, size: Size = SMALL) -> Outcome:
    """A round of a worker with a fault of ours, in which just these faults strike."""
    calm = rounds.plan(seed, calm=True, size=size)
    async with site(here, f"{name.replace(' ', '-')}-{seed}", plant=name) as place:
        return await rounds.play(place, replace(calm, rate=20.0, strikes=strikes, patience_s=10.0))


async def loss(here: Rig, seed: int) -> Outcome:
    kill = Strike(0.0, "worker killed after a commit", {"rest_s": 0.0})
    return await planted(here, "commit before produce", seed, kill, kill)


async def double(here: Rig, seed: int) -> Outcome:
    # So many of both that a part payment is among them: Xero refuses the double of one that leaves nothing to pay.
    many = Size(stories=30, seconds=2.5)
    fault = {"answer": "drop", "commit": "all", "method": "PUT", "path": "Payments", "times": 10}
    drop = Strike(0.0, "connection dropped after the commit", fault)
    return await planted(here, "new key on resend", seed, drop, size=many)


@pytest.mark.timeout(120)
async def test_a_planted_loss_is_found(here: Rig) -> None:
    assert (await loss(here, drawn())).findings.lost


@pytest.mark.timeout(120)
async def test_a_planted_double_is_found(here: Rig) -> None:
    assert (await double(here, drawn())).findings.doubled


@pytest.mark.all
@pytest.mark.timeout(1200)
async def test_planted_faults_are_found_every_time(here: Rig) -> None:
    for _ in range(10):
        seed = drawn()
        assert (await loss(here, seed)).findings.lost, seed
        assert (await double(here, seed)).findings.doubled, seed


def many_kills(seed: int) -> Plan:
    """Events at a steady pace, and a worker that is killed eight times while they come."""
    chance = random.Random(seed)
    kills = [Strike(3.0 + 1.5 * number + chance.uniform(0, 1), "worker killed", {"rest_s": 0.0}) for number in range(8)]
    calm = rounds.plan(seed, calm=True, size=Size(stories=150, seconds=12.0))
    return replace(calm, rate=20.0, strikes=kills, patience_s=150.0)


@pytest.mark.all
@pytest.mark.timeout(1500)
async def test_stock_faust_loses_an_event_within_twenty_minutes(here: Rig) -> None:
    """And our runs lose none of the same events under the same faults."""
    seed = drawn()
    async with asyncio.timeout(1200):
        while True:
            async with site(here, f"stock-{seed}", plant="stock faust") as place:
                if (await rounds.play(place, many_kills(seed))).findings.lost:
                    break
            seed += 1
    async with site(here, f"ours-{seed}") as place:
        assert (await rounds.play(place, many_kills(seed))).ok
