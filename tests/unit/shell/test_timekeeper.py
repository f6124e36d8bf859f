"""The time that all workers go by: it only passes, and where its source is set, the open calls hear of it first."""

import datetime as dt

import pytest

from streams.clock import STEP_S, SteadyClock
from streams.timekeeper import Timekeeper
from tests.support.clock import ManualClock


class Source:
    """A server's time, which is `ahead_s` of the machine's, and answers after `takes_s`."""

    def __init__(self, machine: ManualClock) -> None:
        self._machine = machine
        self.ahead_s = 0.0
        self.takes_s = [0.0]

    async def asked(self) -> dt.datetime:
        told = self._machine.now() + dt.timedelta(seconds=self.ahead_s)
        self._machine.advance(self.takes_s.pop(0) if len(self.takes_s) > 1 else self.takes_s[0])
        return told


class Kept:
    """A timekeeper, and what was done before it adopted a new time."""

    def __init__(self) -> None:
        self.machine = ManualClock()
        self.source = Source(self.machine)
        self.clock = SteadyClock(self.machine)
        self.told: list[tuple[dt.datetime, dt.datetime]] = []
        self.timekeeper = Timekeeper(self.clock, self.source.asked, self._was_set)

    async def _was_set(self, to: dt.datetime) -> None:
        self.told.append((self.clock.now(), to))

    @property
    def ahead_s(self) -> float:
        """By how much the time that we go by is ahead of the machine's."""
        return (self.clock.now() - self.machine.now()).total_seconds()


async def test_the_sources_time_is_taken_over_at_the_start() -> None:
    kept = Kept()
    kept.source.ahead_s = 100.0
    await kept.timekeeper.begin()
    assert (kept.ahead_s, kept.told) == (100.0, [])


async def test_what_clocks_drift_is_followed_silently() -> None:
    kept = Kept()
    kept.source.ahead_s = STEP_S
    await kept.timekeeper.look()
    assert (kept.ahead_s, kept.told) == (STEP_S, [])


@pytest.mark.parametrize("by_s", [600.0, -600.0, STEP_S + 0.1])
async def test_a_source_that_was_set_is_followed_after_it_was_told(by_s: float) -> None:
    kept = Kept()
    before = kept.clock.now()
    kept.source.ahead_s = by_s
    await kept.timekeeper.look()
    assert kept.told == [(before, before + dt.timedelta(seconds=by_s))]
    assert kept.ahead_s == by_s
    await kept.timekeeper.look()
    assert len(kept.told) == 1


async def test_an_answer_that_took_long_says_nothing_about_the_time() -> None:
    kept = Kept()
    kept.source.takes_s = [60.0, 60.0, 0.1]
    await kept.timekeeper.look()
    assert kept.told == []
    assert abs(kept.ahead_s) <= 0.1


def test_a_machine_whose_time_is_set_moves_nothing_by_itself() -> None:
    machine = ManualClock()
    clock = SteadyClock(machine)
    before = clock.now()
    machine.set_by(3600.0)
    machine.advance(5.0)
    assert clock.now() == before + dt.timedelta(seconds=5)
    assert clock.elapsed() == machine.elapsed()
