"""Brings deliveries to their address, again and again, or misbehaves with them as ordered."""

import asyncio
from collections.abc import Callable

from connectors.xero.sandbox.clock import Clock
from connectors.xero.sandbox.webhooks.delivery import Delivery, Subscription
from connectors.xero.sandbox.webhooks.posting import Poster, sign
from connectors.xero.sandbox.webhooks.schedule import next_delay_s

Tasks = set[asyncio.Task[None]]


class Courier:
    """First tries are made one after the other, so that nothing is out of order but by order; later ones go their own
    way. `give_up` is called when a delivery was refused for the last time."""

    def __init__(
        self, clock: Clock, poster: Poster, subscription: Callable[[], Subscription | None], give_up: Callable[[], None]
    ) -> None:
        self._clock = clock
        self._poster = poster
        self._subscription = subscription
        self._give_up = give_up
        self._held: list[Delivery] = []
        # The delivery whose first try the next one waits for.
        self._last: Delivery | None = None
        self._tasks: Tasks = set()

    def take(self, delivery: Delivery) -> None:
        """Do with it what its fate says, in tasks of its own."""
        if delivery.fate.lost:
            delivery.end("lost")
        elif delivery.fate.held:
            delivery.progress = "held"
            self._held.append(delivery)
            if delivery.fate.releases:
                self.release()
        else:
            self._start(delivery)

    def release(self) -> list[Delivery]:
        """Send what is held, the last first; returns it."""
        held, self._held = self._held[::-1], []
        for delivery in held:
            delivery.progress = "waiting"
            self._start(delivery)
        return held

    def drop(self) -> Tasks:
        """Forget everything that waits. Returns the tasks that are about to end."""
        for delivery in self._held:
            delivery.end("dropped")
        self._held = []
        ending = self._tasks - {asyncio.current_task()}
        for task in ending:
            task.cancel()
        return ending

    def _start(self, delivery: Delivery) -> None:
        before = None
        if not delivery.fate.delay_s:
            before, self._last = self._last, delivery
        task = asyncio.create_task(self._bring(delivery, before))
        self._tasks.add(task)
        task.add_done_callback(lambda ended: self._end(ended, delivery))

    def _end(self, task: asyncio.Task[None], delivery: Delivery) -> None:
        """A task that was cancelled may never have begun, so this is not its own last word."""
        self._tasks.discard(task)
        if delivery.progress == "waiting":
            delivery.end("dropped")

    async def _bring(self, delivery: Delivery, before: Delivery | None) -> None:
        if before is not None:
            await before.tried.wait()
        await self._clock.sleep(delivery.fate.delay_s)
        started_s = self._clock.seconds()
        while not await self._is_taken(delivery):
            delivery.tried.set()
            delay_s = next_delay_s(len(delivery.tries), self._clock.seconds() - started_s)
            if delay_s is None:
                self._give_up()
                return
            await self._clock.sleep(delay_s)
        if delivery.fate.doubled:
            await self._is_taken(delivery)
        delivery.end("delivered")

    async def _is_taken(self, delivery: Delivery) -> bool:
        subscription = self._subscription()
        assert subscription is not None, "what waits is dropped with its subscription"
        # A key that was replaced meanwhile signs: the body is the same.
        tried = await self._poster.post(subscription.url, delivery.body, sign(subscription.key, delivery.body))
        delivery.tries.append(tried)
        return not tried.wrong
