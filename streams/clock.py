"""Time, as an argument: what the ledger stamps, and what limits are measured with."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

# A time of day that differs by more than this from what has passed was set; less is what clocks drift.
STEP_S: Final = 2.0


class Clock(Protocol):
    """The time of day, time that passes, and waiting. No setting replaces it; tests pass another one."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        ...

    def elapsed(self) -> float:
        """Seconds since the machine started. It goes on while the process or the machine sleeps."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def elapsed(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SteadyClock:
    """A time of day that only passes: that of `base` at the start, carried on by what has passed since.

    Where the time of its source is set forward or back, nothing moves until `shift` says so.
    """

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._start = base.now() - timedelta(seconds=base.elapsed())

    def now(self) -> datetime:
        return self.in_a(0.0)

    def in_a(self, seconds: float) -> datetime:
        """The time of day so many seconds from now."""
        return self._start + timedelta(seconds=self._base.elapsed() + seconds)

    def elapsed(self) -> float:
        return self._base.elapsed()

    async def sleep(self, seconds: float) -> None:
        await self._base.sleep(seconds)

    def shift(self, seconds: float) -> None:
        """From now on the time of day is so much later."""
        self._start += timedelta(seconds=seconds)
