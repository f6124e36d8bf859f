"""The app's webhook: what changes is gathered for a moment, numbered and sent, until nobody took it for 24 hours.

Everything happens beside the calls. What waits is not kept over a restart; the next sequence is, and shows a gap.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from connectors.xero.sandbox.clock import Clock
from connectors.xero.sandbox.switches import Switches
from connectors.xero.sandbox.webhooks.courier import Courier, Tasks
from connectors.xero.sandbox.webhooks.delivery import Delivery, Subscription
from connectors.xero.sandbox.webhooks.intent import body_of, check
from connectors.xero.sandbox.webhooks.orders import Orders
from connectors.xero.sandbox.webhooks.posting import Poster, check_address
from connectors.xero.sandbox.webhooks.schedule import RETRIED_FOR_S
from connectors.xero.sandbox.wire import Json

# How many events one delivery has at most, and how many deliveries are remembered.
EVENTS_MAX: Final = 100
DELIVERIES_KEPT: Final = 1_000
_INSIST_EVERY_S: Final = 5.0


class Webhook:
    """Nothing is recorded without a subscription. `switches` tells their present positions, `is_closing` whether the
    sandbox is being stopped."""

    def __init__(
        self, clock: Clock, new_id: Callable[[], str], switches: Callable[[], Switches], is_closing: Callable[[], bool]
    ) -> None:
        self._clock = clock
        self._new_id = new_id
        self._switches = switches
        self._poster = Poster(clock, is_closing)
        self._courier = Courier(clock, self._poster, lambda: self.subscription, self._give_up)
        self.subscription: Subscription | None = None
        # Whether the subscription changed since it was saved.
        self.is_dirty = False
        self.orders = Orders()
        self._gathered: list[Json] = []
        self._deliveries: deque[Delivery] = deque(maxlen=DELIVERIES_KEPT)
        self._number = 0
        self._timer: asyncio.Task[None] | None = None
        self._insisting: asyncio.Task[None] | None = None

    async def subscribe(self, url: str, key: str) -> Subscription:
        """Take `url` as the address, in place of one that is there, whose sequence goes on.

        An address that does not tell good signatures from bad ones is kept, and disabled. Raises ValueError for one
        that is neither http nor https.
        """
        check_address(url)
        wrong = await check(self._poster, url, key, self._new_id)
        before = self.subscription
        sequence = 1 if before is None else before.next_sequence
        status: Final = "disabled" if wrong else "ok"
        kept = Subscription(url=url, key=key, status=status, wrong=wrong, next_sequence=sequence)
        self.subscription, self.is_dirty = kept, True
        if wrong:
            self._drop()
        return kept

    def insist(self, url: str, key: str) -> None:
        """Subscribe again and again, until whoever is to receive has started too and passes the check."""
        self._insisting = asyncio.create_task(self._insist(url, key))

    async def _insist(self, url: str, key: str) -> None:
        kept = await self.subscribe(url, key)
        while kept.status != "ok":
            await self._clock.sleep(_INSIST_EVERY_S)
            if self.subscription is not kept:
                # A person has decided otherwise meanwhile.
                return
            kept = await self.subscribe(url, key)

    def unsubscribe(self) -> None:
        """Forget the subscription, and what waits for it."""
        self.subscription, self.is_dirty = None, True
        self._drop()

    def gather(self, events: list[Json]) -> None:
        """Take in what a call changed; it is sent with what else changes within a moment."""
        subscription = self.subscription
        if subscription is None or not events:
            return
        if subscription.status == "disabled":
            if self._switches().webhook_counts_while_disabled:
                subscription.next_sequence += len(events)
                self.is_dirty = True
            return
        self._gathered += events
        if self._timer is None:
            self._timer = asyncio.create_task(self._wait())

    async def deliver(self) -> list[Delivery]:
        """Send at once what is gathered or held, and return it after the first tries; those of delayed deliveries are
        not waited for."""
        made = self._flush()
        sent = [*(delivery for delivery in made if delivery.progress != "held"), *self._courier.release()]
        await asyncio.gather(*(delivery.tried.wait() for delivery in sent if not delivery.fate.delay_s))
        return sent

    def shown(self, after: int = 0) -> Json:
        """The state for the admin surface, with the deliveries whose number is above `after`."""
        return {
            "subscription": self.subscription and self.subscription.shown(),
            "orders": self.orders.shown(),
            "gathered": len(self._gathered),
            "deliveries": [delivery.shown() for delivery in self._deliveries if delivery.number > after],
        }

    async def close(self) -> None:
        """Stop sending; what waits is forgotten."""
        ending = self._drop()
        if self._insisting is not None:
            self._insisting.cancel()
            ending |= {self._insisting}
        await asyncio.gather(*ending, return_exceptions=True)
        await self._poster.close()

    async def _wait(self) -> None:
        await self._clock.sleep(self._switches().webhook_gather_ms / 1000)
        self._timer = None
        self._flush()

    def _flush(self) -> list[Delivery]:
        """Make deliveries of what has been gathered."""
        gathered = self._forget_gathered()
        made = [self._numbered(gathered[at : at + EVENTS_MAX]) for at in range(0, len(gathered), EVENTS_MAX)]
        self._deliveries.extend(made)
        for delivery in made:
            self._courier.take(delivery)
        return made

    def _forget_gathered(self) -> list[Json]:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        gathered, self._gathered = self._gathered, []
        return gathered

    def _numbered(self, events: list[Json]) -> Delivery:
        assert self.subscription is not None, "without a subscription nothing is gathered"
        first = self.subscription.next_sequence
        self.subscription.next_sequence += len(events)
        self.is_dirty = True
        self._number += 1
        return Delivery(
            number=self._number,
            events=events,
            first_sequence=first,
            body=body_of(events, first, first + len(events) - 1, self._new_id()),
            fate=self.orders.take(),
        )

    def _give_up(self) -> None:
        assert self.subscription is not None, "what waits is dropped with its subscription"
        self.subscription.status = "disabled"
        self.subscription.wrong = f"a delivery was not taken for {RETRIED_FOR_S / 3600:g} h"
        self.is_dirty = True
        self._drop()

    def _drop(self) -> Tasks:
        self._forget_gathered()
        return self._courier.drop()
