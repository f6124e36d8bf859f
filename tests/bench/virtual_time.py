"""Time that does not wait: an event loop which, when nothing is under way, goes on to its next timer at once.

Whatever is computed takes as long as it takes, and only waiting is left out. Every timer of the loop is a timer of
this time, and `VirtualClock` is the clock for ledger, limiter, sender and sandbox, so that they cannot disagree.
"""

import asyncio
import selectors
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

T = TypeVar("T")

# Longer than bytes on loopback and the answer of a thread that has ended are on their way.
_SETTLED_S: Final = 0.001


class VirtualClock:
    """What streams.clock and the sandbox's clock ask for. `ahead_s`: the time that was not waited for so far."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self._working = 0

    def begin_work(self) -> None:
        """From now on something outside the loop is at work: time does not jump until as often `end_work` is called."""
        self._working += 1

    def end_work(self) -> None:
        self._working -= 1

    @contextmanager
    def working(self) -> Iterator[None]:
        """Within the block something outside the loop is at work."""
        self.begin_work()
        try:
            yield
        finally:
            self.end_work()

    @property
    def may_jump(self) -> bool:
        return self._working == 0

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.ahead_s)

    def elapsed(self) -> float:
        """Seconds that passed or were jumped over."""
        return time.monotonic() + self.ahead_s

    def seconds(self) -> float:
        """The same, under the name that the sandbox uses."""
        return self.elapsed()

    async def sleep(self, seconds: float) -> None:
        """Wait; the loop jumps when all that is left is waiting."""
        await asyncio.sleep(seconds)


class _Selector(selectors.DefaultSelector):
    """Says that nothing happened for so long, without having waited."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        if timeout is None or not self._clock.may_jump:
            return super().select(timeout)
        events = super().select(min(timeout, _SETTLED_S))
        if not events and timeout > _SETTLED_S:
            self._clock.ahead_s += timeout - _SETTLED_S
        return events


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(_Selector(clock))
        self._clock_ahead = clock

    def time(self) -> float:
        return self._clock_ahead.elapsed()


def run(clock: VirtualClock, main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` in this time."""
    with asyncio.Runner(loop_factory=lambda: _Loop(clock)) as runner:
        return runner.run(main)


def watch(store: Any, clock: VirtualClock) -> None:
    """The ledger's transactions count as work: their threads and servers are outside the loop."""
    for name in ("read", "write"):
        setattr(store, name, _counted(getattr(store, name), clock))


def _counted(transaction: Any, clock: VirtualClock) -> Any:
    @asynccontextmanager
    async def counted() -> AsyncIterator[Any]:
        with clock.working():
            async with transaction() as connection:
                yield connection

    return counted
