"""Clocks that stand still until a test moves them."""

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta


class ManualClock:
    """`sleep` moves the time on at once, so a day of waiting passes in no time."""

    def __init__(self, now: datetime = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)) -> None:
        self._now = now
        self._elapsed = 1000.0

    def now(self) -> datetime:
        return self._now

    def elapsed(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Time passes."""
        self._now += timedelta(seconds=seconds)
        self._elapsed += seconds

    def set_by(self, seconds: float) -> None:
        """Somebody sets the time of day, and no time passes."""
        self._now += timedelta(seconds=seconds)


class HeldClock:
    """One process's clocks on a time that several share: who sleeps goes on when the test wakes it, not before."""

    def __init__(self, time: ManualClock) -> None:
        self._time = time
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return self._time.now()

    def elapsed(self) -> float:
        return self._time.elapsed()

    async def sleep(self, seconds: float) -> None:
        awake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.elapsed() + max(seconds, 0.0), next(self._order), awake))
        await awake

    def next_at(self) -> float | None:
        """When, in `elapsed` seconds, the next sleeper wants to wake; None if nobody sleeps."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def wake_one(self) -> bool:
        """Wake the sleeper that is due first; False if none is due yet."""
        at = self.next_at()
        if at is None or at > self.elapsed():
            return False
        heapq.heappop(self._sleepers)[2].set_result(None)
        return True
