"""Time, as an argument: what the ledger stamps, and what limits are measured with."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


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
