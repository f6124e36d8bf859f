"""A run: rounds one after another, some on each ledger, until they are played or one fails."""

import asyncio
import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import Final

from tests.chaos import report
from tests.chaos.mix import Size
from tests.chaos.report import Totals, findings, round_line, say
from tests.chaos.rig import Rig
from tests.chaos.rig import rig as open_rig
from tests.chaos.round import Outcome, plan, play
from tests.chaos.site import Site, site

ROUNDS_PER_LEDGER: Final = 8


async def run(rig: Rig, rounds: int, seed: int, *, size: Size | None = None) -> Totals:
    """Play rounds of the seeds `seed`, `seed` + 1, ...; stops at the first that fails. The sums."""
    totals = Totals(seed)
    for ledger, seeds in enumerate(_split(range(seed, seed + rounds))):
        async with site(rig, f"ledger{ledger}") as place:
            await _rounds(place, seeds, totals, rounds, size)
            if totals.ok:
                await _close(place, totals)
        if not totals.ok:
            break
    return totals


def _split(seeds: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(seeds), ROUNDS_PER_LEDGER):
        yield seeds[start : start + ROUNDS_PER_LEDGER]


async def _rounds(place: Site, seeds: Sequence[int], totals: Totals, rounds: int, size: Size | None) -> None:
    for seed in seeds:
        planned = plan(seed, size=size)
        outcome = await play(place, planned)
        totals.add(outcome)
        say(round_line(totals.rounds, rounds, planned.rate, outcome))
        if not outcome.ok:
            await _explain(place, outcome)
            return


async def _explain(place: Site, outcome: Outcome) -> None:
    for line in findings(outcome):
        say(line)
    for trace in dict.fromkeys(outcome.findings.traces[:1]):
        say(f"  ledgerstream trace {trace}")
        say((await place.ledgerstream("trace", trace))[1])


async def _close(place: Site, totals: Totals) -> None:
    """The workers stop in order, and the product's own audit holds: every event has its end, none waits."""
    for worker in place.workers:
        code = await worker.stop()
        if code:
            totals.ends[f"{worker.name} stopped with {code}"] += 1
    code, told = await place.ledgerstream("audit", "--kafka", "--json")
    with contextlib.suppress(json.JSONDecodeError):
        view = json.loads(told.splitlines()[-1])
        if code == 0 and not view["dispositions"].get("waiting") and not view["waiting"]:
            return
    totals.audits_failed += 1
    say(f"  the audit does not hold:\n{told}")


def main(rounds: int, seed: int, *, as_json: bool, keep: bool) -> int:
    """A run from the command line; the exit code."""
    say(f"chaos: {rounds} rounds, seed {seed}")
    totals = asyncio.run(_on_a_rig(rounds, seed, keep=keep))
    for line in report.sums(totals, as_json=as_json):
        say(line)
    return 0 if totals.ok else 1


async def _on_a_rig(rounds: int, seed: int, *, keep: bool) -> Totals:
    async with open_rig(keep=keep) as rig:
        if keep:
            say(f"everything is written into {rig.folder}, and stays there")
        return await run(rig, rounds, seed)
