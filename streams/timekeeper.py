"""The timekeeper: the ledger's time is followed, and where somebody sets it, open calls are taken up anew first.

A call's age says whether its idempotency key still lives and whether its request can still be under way. If the time
were just taken over after it was set, a key that is long dead would be used again, or a look would come too early, and
either can book twice. So those calls become ones whose age nobody knows (design section 7).
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

import structlog

from streams.clock import STEP_S, SteadyClock

_EVERY_S: Final = 5.0
# An answer that took longer says little about the time that it names.
_PROMPT_S: Final = 1.0

_log = structlog.get_logger()


class Timekeeper:
    """A service of the worker. `asked` gives the source's time; `was_set` is awaited before a new time is adopted."""

    def __init__(
        self,
        clock: SteadyClock,
        asked: Callable[[], Awaitable[datetime]],
        was_set: Callable[[datetime], Awaitable[None]],
    ) -> None:
        self._clock = clock
        self._asked = asked
        self._was_set = was_set

    async def begin(self) -> None:
        """Take the source's time over before anything depends on it."""
        self._clock.shift(await self._behind())

    async def run(self) -> None:
        """Every 5 s, until cancelled. Raises what the source raises."""
        while True:
            await self._clock.sleep(_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Compare once."""
        behind = await self._behind()
        if abs(behind) > STEP_S:
            _log.error("the time was set: open calls are looked for before anything is sent again", seconds=behind)
            await self._was_set(self._clock.in_a(behind))
        self._clock.shift(behind)

    async def _behind(self) -> float:
        """By how much the source is ahead. The process may stand still while it asks, so it asks until it is quick."""
        while True:
            before = self._clock.elapsed()
            told = await self._asked()
            behind = (told - self._clock.now()).total_seconds()
            if self._clock.elapsed() - before <= _PROMPT_S:
                return behind
