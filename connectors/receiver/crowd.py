"""How many requests there are at once: those that are worked on, and those whose body is still on its way.

The two have shares of their own, because a body that comes slowly, or never, proves nobody: it must not take the place
of those who send theirs whole.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager


class Displaced(Exception):
    """The body had to make room for another one."""


class Crowd:
    """The requests of one receiver. `at_work` is how many have their whole body and no answer yet."""

    def __init__(self) -> None:
        self.at_work = 0
        # The one that began first stands first.
        self._unread: dict[asyncio.Timeout, None] = {}

    @contextmanager
    def working(self) -> Iterator[None]:
        """Counts a request within the block."""
        self.at_work += 1
        try:
            yield
        finally:
            self.at_work -= 1

    @asynccontextmanager
    async def reading(self, most: int, timeout_s: float) -> AsyncIterator[None]:
        """The block reads a body, for so long at most (TimeoutError). Where `most` are read already, the one that began
        first is given up (Displaced): bodies of honest senders are there in a moment."""
        if len(self._unread) >= most:
            self._displace()
        deadline = asyncio.timeout(timeout_s)
        try:
            async with deadline:
                self._unread[deadline] = None
                yield
        except TimeoutError:
            if deadline not in self._unread:
                raise Displaced from None
            raise
        finally:
            self._unread.pop(deadline, None)

    def _displace(self) -> None:
        first = next(iter(self._unread))
        del self._unread[first]
        if not first.expired():
            first.reschedule(asyncio.get_running_loop().time())
