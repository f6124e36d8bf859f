"""Webhooks on their way: sent, tried again by the source's schedule, given up, and misbehaving on order."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

import aiohttp

from connectors.xero.sandbox.clock import Clock

T = TypeVar("T")

# Connections to one receiver: with very many, those that wait for a busy one would count as not answered.
_AT_ONCE: Final = 8


class Message(Protocol):
    """One webhook to one address. `tries` are the statuses of the answers, 0 where there was none; `state` is waiting,
    delivered, lost (on order) or failed (given up)."""

    body: bytes
    tries: list[int]
    state: str


M = TypeVar("M", bound=Message)


@dataclass(slots=True)
class Misbehaviour:
    """How many of the next deliveries are lost, sent twice, or held back to be sent in reverse order."""

    lose: int = 0
    double: int = 0
    reorder: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners(Generic[M]):
    """How a source sends: `request` is asked before each try for the address and the headers, `is_wanted` before each
    further one, and `gave_up` is told after the last. An answer has `timeout` to come; `retries_after_s` are the waits
    between the tries."""

    request: Callable[[M], tuple[str, Mapping[str, str]]]
    is_wanted: Callable[[M], bool]
    gave_up: Callable[[M], None]
    timeout: aiohttp.ClientTimeout
    retries_after_s: Sequence[float]


class Sending(Generic[M]):
    """Everything that was ever sent, in `log`; `orders` says what goes wrong with the next ones. No redirect is
    followed."""

    def __init__(self, clock: Clock, manners: Manners[M]) -> None:
        self._clock = clock
        self._manners = manners
        self.log: list[M] = []
        self.orders = Misbehaviour()
        self._held: list[M] = []
        self._sending: set[asyncio.Task[Any]] = set()
        self._retrying: set[asyncio.Task[Any]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._lines = asyncio.Semaphore(_AT_ONCE)

    def send(self, message: M) -> None:
        """Send it in the background, unless an order says otherwise."""
        self.log.append(message)
        orders = self.orders
        if orders.lose:
            orders.lose -= 1
            message.state = "lost"
            return
        if orders.reorder:
            orders.reorder -= 1
            self._held.append(message)
            if not orders.reorder:
                held, self._held = self._held[::-1], []
                self._start(self._all(held), self._sending)
            return
        times = 2 if orders.double else 1
        orders.double -= times - 1
        self._start(self._all([message] * times), self._sending)

    async def settled(self) -> None:
        """Waits until nothing is being sent; what failed waits for its next try."""
        while self._sending:
            await asyncio.wait(self._sending)

    async def close(self) -> None:
        """Drop what is still on its way."""
        tasks = [*self._sending, *self._retrying]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _start(self, work: Coroutine[Any, Any, T], among: set[asyncio.Task[Any]]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        among.add(task)
        task.add_done_callback(among.discard)
        return task

    async def _all(self, messages: Sequence[M]) -> None:
        for message in messages:
            # What fails waits by itself: it does not hold up what comes after it.
            if not await self._try(message):
                self._start(self._retry(message), self._retrying)

    async def _retry(self, message: M) -> None:
        for wait_s in self._manners.retries_after_s:
            await self._clock.sleep(wait_s)
            if not self._manners.is_wanted(message):
                return
            if await self._start(self._try(message), self._sending):
                return
        message.state = "failed"
        self._manners.gave_up(message)

    async def _try(self, message: M) -> bool:
        uri, headers = self._manners.request(message)
        if self._session is None:
            # A connection for each: one that is kept would break when the receiver is started again.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=self._manners.timeout,
            )
        try:
            async with (
                self._lines,
                self._session.post(uri, data=message.body, headers=headers, allow_redirects=False) as answer,
            ):
                status = answer.status
        except (TimeoutError, aiohttp.ClientError, OSError):
            status = 0
        message.tries.append(status)
        if 200 <= status < 300:
            message.state = "delivered"
        return message.state == "delivered"
