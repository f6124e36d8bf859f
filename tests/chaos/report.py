"""What a run tells: a line a round, the sums at the end, and of a failure the seed and the story of one order."""

import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from tests.chaos.round import Outcome

_SHOWN: Final = 12


@dataclass(slots=True)
class Totals:
    """The sums of a run."""

    seed: int
    rounds: int = 0
    events: int = 0
    lost: int = 0
    doubled: int = 0
    wrong_amounts: int = 0
    own_429s: int = 0
    audits_failed: int = 0
    seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        """Count a round."""
        self.rounds += 1
        self.events += outcome.events
        self.lost += len(outcome.findings.lost)
        self.doubled += len(outcome.findings.doubled)
        self.wrong_amounts += len(outcome.findings.wrong)
        self.own_429s += outcome.earned_429s
        self.seconds += outcome.seconds
        self.faults += outcome.struck
        self.ends += outcome.ends

    @property
    def ok(self) -> bool:
        return not (self.lost or self.doubled or self.wrong_amounts or self.own_429s or self.audits_failed)

    def as_json(self) -> dict[str, Any]:
        """The last line of `JSON=1`: a contract."""
        return {
            "rounds": self.rounds,
            "events": self.events,
            "faults": dict(sorted(self.faults.items())),
            "lost": self.lost,
            "doubled": self.doubled,
            "wrong_amounts": self.wrong_amounts,
            "own_429s": self.own_429s,
            "seed": self.seed,
        }


def say(text: str) -> None:
    """A line for people, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def round_line(number: int, rounds: int, rate: float, outcome: Outcome) -> str:
    """One round in one line."""
    pace = "in real time" if rate == 1.0 else f"at {rate:g} times the pace"
    faults = sum(outcome.struck.values())
    end = "ok" if outcome.ok else "FAILED"
    return (
        f"{number:4d}/{rounds}  seed {outcome.seed}  {outcome.events:3d} events  {faults:2d} faults  {pace:22s}"
        f"{outcome.seconds:6.1f} s  {end}"
    )


def findings(outcome: Outcome) -> list[str]:
    """What is wrong, and how to play the round again."""
    found = outcome.findings
    lines = [f"  lost: {one}" for one in found.lost[:_SHOWN]]
    lines += [f"  doubled: {one}" for one in found.doubled[:_SHOWN]]
    lines += [f"  wrong: {one}" for one in found.wrong[:_SHOWN]]
    if outcome.earned_429s:
        lines.append(f"  {outcome.earned_429s} earned 429s")
    return [*lines, f"  again: make chaos ROUNDS=1 SEED={outcome.seed}"]


def sums(totals: Totals, *, as_json: bool) -> list[str]:
    """The end of the report."""
    lines = [
        "",
        f"{totals.rounds} rounds with {totals.events} events in {totals.seconds / 60:.1f} minutes, seed {totals.seed}",
        *(f"  {number:5d}  {kind}" for kind, number in sorted(totals.faults.items())),
        *(f"  {number:5d}  {end}, and was started again" for end, number in sorted(totals.ends.items())),
        f"lost {totals.lost}   doubled {totals.doubled}   wrong amounts {totals.wrong_amounts}   "
        f"earned 429s {totals.own_429s}   audits that do not hold {totals.audits_failed}",
    ]
    return [*lines, json.dumps(totals.as_json())] if as_json else lines
