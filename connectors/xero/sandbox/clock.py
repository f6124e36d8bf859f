"""The sandbox's time, given to it as an argument so that a test can own it."""

import asyncio
import heapq
import itertools
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the sandbox asks about time. Never blocks, except `sleep`."""

    def now(self) -> datetime:
        """The wall clock, in UTC with a zone."""

    def seconds(self) -> float:
        """Seconds since an arbitrary moment, never going backwards."""

    async def sleep(self, seconds: float) -> None:
        """Return once `seconds` of this clock have passed."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def seconds(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        if seconds > 0:
            await asyncio.sleep(seconds)


class ManualClock:
    """A clock that stands still until `advance` is called, which wakes the sleepers that are due."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError(f"expected a time with a zone, got {start!r}: pass tzinfo=UTC")
        self._start = start.astimezone(UTC)
        self._elapsed_s = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed_s)

    def seconds(self) -> float:
        return self._elapsed_s

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        awake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed_s + seconds, next(self._order), awake))
        await awake

    def advance(self, seconds: float) -> None:
        """Move time forward by `seconds`; raises ValueError for a negative step."""
        if seconds < 0:
            raise ValueError(f"expected a step of 0 s or more, got {seconds}: time does not go backwards")
        self._elapsed_s += seconds
        while self._sleepers and self._sleepers[0][0] <= self._elapsed_s:
            awake = heapq.heappop(self._sleepers)[2]
            if not awake.done():
                awake.set_result(None)
