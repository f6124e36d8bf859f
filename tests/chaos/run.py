"""A run: rounds one after another, some on each ledger, until they are played or one fails."""

import asyncio
import contextlib
import itertools
import json
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from tests.chaos import report
from tests.chaos.mix import Size
from tests.chaos.report import Totals, findings, round_line, say
from tests.chaos.rig import Database, Rig
from tests.chaos.rig import rig as open_rig
from tests.chaos.round import Outcome, Plan, plan, play
from tests.chaos.site import Site, site

ROUNDS_PER_LEDGER: Final = 8
_KILLED_EVERY_S: Final = 30.0
_CLOSING_LOOKS: Final = 20
_CLOSING_RATE: Final = 4.0
_CLOSING_LEAP_S: Final = 60.0
_CLOSING_PAUSE_S: Final = 1.5


async def run(rig: Rig, rounds: int, seed: int, *, size: Size | None = None, saturate: bool = False) -> Totals:
    """Play rounds of the seeds `seed`, `seed` + 1, ...; stops at the first that fails. The sums.

    `saturate`: every round needs more calls than a minute has.
    """
    totals = Totals(seed)
    for ledger, seeds in enumerate(_split(range(seed, seed + rounds))):
        async with site(rig, f"ledger{ledger}") as place:
            async with _one_killed_at_intervals(place, totals):
                plans = [plan(one, size=size, many=len(place.workers) > 1, saturate=saturate) for one in seeds]
                await _rounds(place, plans, totals, rounds)
            if totals.ok:
                await _close(place, totals)
        if not totals.ok:
            break
    return totals


def _split(seeds: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(seeds), ROUNDS_PER_LEDGER):
        yield seeds[start : start + ROUNDS_PER_LEDGER]


async def _rounds(place: Site, plans: Sequence[Plan], totals: Totals, rounds: int) -> None:
    for planned in plans:
        outcome = await play(place, planned)
        totals.add(outcome)
        say(round_line(totals.rounds, rounds, planned.rate, outcome))
        if not outcome.ok:
            await _explain(place, outcome)
            return


@asynccontextmanager
async def _one_killed_at_intervals(place: Site, totals: Totals) -> AsyncIterator[None]:
    """Where there are several workers, one of them dies every thirty seconds, whatever else happens."""

    async def kill() -> None:
        for worker in itertools.cycle(place.workers):
            await asyncio.sleep(_KILLED_EVERY_S)
            worker.order_end(signal.SIGKILL)
            totals.faults["one of the workers killed, every 30 s"] += 1

    killing = asyncio.create_task(kill()) if len(place.workers) > 1 else None
    try:
        yield
    finally:
        if killing is not None:
            killing.cancel()
            await asyncio.wait({killing})


async def _explain(place: Site, outcome: Outcome) -> None:
    for line in findings(outcome):
        say(line)
    for trace in dict.fromkeys(outcome.findings.traces[:1]):
        say(f"  ledgerstream trace {trace}")
        say((await place.ledgerstream("trace", trace))[1])


async def _close(place: Site, totals: Totals) -> None:
    """The workers stop in order, and the product's own audit holds: every event has its end, none waits."""
    for _ in range(_CLOSING_LOOKS):
        if (await _audit(place))[0]:
            break
        # The books are complete, but a call that nobody answered is looked for only after some time.
        place.rig.hand.run(_CLOSING_RATE)
        place.rig.hand.leap(_CLOSING_LEAP_S)
        await asyncio.sleep(_CLOSING_PAUSE_S)
    for worker in place.workers:
        code = await worker.stop()
        if code:
            totals.ends[f"{worker.name} stopped with {code}"] += 1
    holds, told = await _audit(place)
    if not holds:
        totals.audits_failed += 1
        say(f"  the audit does not hold:\n{told}")


async def _audit(place: Site) -> tuple[bool, str]:
    """Whether the product's audit holds and nothing waits; what it said."""
    code, told = await place.ledgerstream("audit", "--kafka", "--json")
    with contextlib.suppress(json.JSONDecodeError, IndexError):
        view = json.loads(told.splitlines()[-1])
        return code == 0 and not view["dispositions"].get("waiting") and not view["waiting"], told
    return False, told


def main(rounds: int, seed: int, database: Database, *, as_json: bool, keep: bool, saturate: bool) -> int:
    """A run from the command line; the exit code."""
    say(f"chaos: {rounds} rounds, seed {seed}, ledger on {database}")
    totals = asyncio.run(_on_a_rig(rounds, seed, database, keep=keep, saturate=saturate))
    for line in report.sums(totals, as_json=as_json):
        say(line)
    return 0 if totals.ok else 1


async def _on_a_rig(rounds: int, seed: int, database: Database, *, keep: bool, saturate: bool) -> Totals:
    async with open_rig(database, keep=keep) as rig:
        if keep:
            say(f"everything is written into {rig.folder}, and stays there")
        return await run(rig, rounds, seed, saturate=saturate)
