"""A full backlog on the real ledger's slots: calls take as long as chance says, and arrive at some moment of that."""

import heapq
import random
from bisect import bisect_left
from dataclasses import dataclass, field

from connectors.xero.ticket import Answer, Ticket, XeroRequest
from streams.ledger import Ledger
from streams.ledger.calls import Wait
from tests.support.clock import ManualClock

LOOK = XeroRequest(method="GET", path="/Invoices")
OK = Answer(status=200, body=b"")
WINDOW_S = 60.0
CALLS = 60
AT_ONCE = 5
# How often who waits for a slot asks for it.
ASK_S = 0.1


@dataclass
class Xero:
    """When calls came, and how many were there at once. Any window of 60 s, wherever it begins, counts."""

    arrivals: list[float] = field(default_factory=list)
    running: list[float] = field(default_factory=list)

    def receive(self, at: float, until: float) -> None:
        self.arrivals.append(at)
        self.running = [end for end in self.running if end > at] + [until]
        assert len(self.running) <= AT_ONCE

    def most_in_a_window(self) -> int:
        """Rolling, and so whatever the phase of a fixed one."""
        found = sorted(self.arrivals)
        return max(bisect_left(found, at + WINDOW_S) - place for place, at in enumerate(found))


class Backlog:
    """A sender that always has something to send, and people who ask now and then."""

    def __init__(self, ledger: Ledger, clock: ManualClock, chance: random.Random, median_s: float) -> None:
        self.xero = Xero()
        self.waits: list[float] = []
        self._ledger = ledger
        self._clock = clock
        self._chance = chance
        self._median_s = median_s
        self._ends: list[tuple[float, int, Ticket]] = []
        self._person_since: float | None = None

    async def run(self, seconds: float, person_every_s: float) -> None:
        began = self._clock.elapsed()
        person_at, sender_at = began + person_every_s, began
        while (now := self._clock.elapsed()) < began + seconds:
            await self._end(now)
            if now >= person_at:
                person_at = await self._person(now, person_every_s)
            if now >= sender_at:
                sender_at = now + await self._open(is_urgent=False)
            due = [person_at, sender_at, *(end[0] for end in self._ends[:1])]
            self._clock.advance(max(min(due) - now, 0.001))

    async def _person(self, now: float, every_s: float) -> float:
        """When a person asks next: again at once, or the next one."""
        self._person_since = now if self._person_since is None else self._person_since
        if await self._open(is_urgent=True):
            return now + ASK_S
        self.waits.append(now - self._person_since)
        self._person_since = None
        return now + every_s * self._chance.uniform(0.2, 1.8)

    async def _open(self, *, is_urgent: bool) -> float:
        """Take a slot; how long to wait for one otherwise."""
        opened = await self._ledger.calls.open((), LOOK, "read", "uk", "x", 1, is_urgent=is_urgent)
        if isinstance(opened, Wait):
            return max(opened.seconds, ASK_S)
        now = self._clock.elapsed()
        takes_s = min(self._chance.lognormvariate(0, 0.5) * self._median_s, 30.0)
        arrives = now + takes_s * self._chance.random()
        self.xero.receive(arrives, now + takes_s)
        heapq.heappush(self._ends, (now + takes_s, opened.call, opened))
        return 0.0

    async def _end(self, now: float) -> None:
        while self._ends and self._ends[0][0] <= now:
            await self._ledger.calls.answered(heapq.heappop(self._ends)[2], OK)
