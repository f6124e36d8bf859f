"""Webhooks on their way: signed, sent to whoever subscribed, tried again, and given up.

Shopify waits 5 seconds for a 2xx, tries 8 times more within 4 hours, always with the same payload and ids, and then
deletes the subscription (its page "Troubleshoot webhooks"). It does not say when the tries are; here they come ever
more rarely. Nothing follows a redirect.
"""

import asyncio
import base64
import hashlib
import hmac
import uuid
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import aiohttp
import orjson

from connectors.xero.sandbox.clock import Clock
from connectors.xero.sandbox.webhooks.posting import check_address

T = TypeVar("T")

RETRIES_AFTER_S: Final = (60, 180, 360, 900, 1800, 2700, 3600, 4800)  # 4 hours in all
_ANSWER: Final = aiohttp.ClientTimeout(total=5, sock_connect=1)


@dataclass(slots=True)
class Subscription:
    """One topic to one address."""

    id: int
    topic: str
    uri: str


@dataclass(slots=True)
class Delivery:
    """One event on its way to one subscription. `tries` are the statuses of the answers, 0 where there was none;
    `state` is waiting, delivered, lost (on order) or failed (given up)."""

    subscription: Subscription
    event_id: str
    webhook_id: str
    triggered_at: str
    body: bytes
    tries: list[int] = field(default_factory=list)
    state: str = "waiting"


@dataclass(slots=True)
class Misbehaviour:
    """How many of the next deliveries are lost, sent twice, or held back to be sent in reverse order."""

    lose: int = 0
    double: int = 0
    reorder: int = 0


class Deliveries:
    """All subscriptions, and everything that was ever sent to them. `new_id` gives the ids of events and webhooks."""

    def __init__(self, clock: Clock, secret: str, shop: str, new_id: Callable[[], str] | None = None) -> None:
        self._clock = clock
        self._secret = secret.encode()
        self._shop = shop
        self._new_id = new_id or (lambda: str(uuid.uuid4()))
        self.subscriptions: dict[int, Subscription] = {}
        self.log: list[Delivery] = []
        self.orders = Misbehaviour()
        self._held: list[Delivery] = []
        self._sending: set[asyncio.Task[Any]] = set()
        self._retrying: set[asyncio.Task[Any]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._last_id = 1_000_000_000_000

    def subscribe(self, topic: str, uri: str) -> Subscription:
        """Raises ValueError for an address that nothing can be sent to, and for what is subscribed already."""
        check_address(uri)
        if any(one.topic == topic and one.uri == uri for one in self.subscriptions.values()):
            raise ValueError("Address for this topic has already been taken")
        self._last_id += 7
        self.subscriptions[self._last_id] = Subscription(self._last_id, topic, uri)
        return self.subscriptions[self._last_id]

    def tell(self, topics: Sequence[str], body: Any) -> None:
        """One event, which has one id under all its topics and subscriptions."""
        event_id, payload = self._new_id(), orjson.dumps(body)
        at = self._clock.now().isoformat()
        for subscription in [one for topic in topics for one in self.subscriptions.values() if one.topic == topic]:
            self._send(Delivery(subscription, event_id, self._new_id(), at, payload))

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

    def _send(self, delivery: Delivery) -> None:
        self.log.append(delivery)
        orders = self.orders
        if orders.lose:
            orders.lose -= 1
            delivery.state = "lost"
            return
        if orders.reorder:
            orders.reorder -= 1
            self._held.append(delivery)
            if not orders.reorder:
                held, self._held = self._held[::-1], []
                self._start(self._all(held), self._sending)
            return
        times = 2 if orders.double else 1
        orders.double -= times - 1
        self._start(self._all([delivery] * times), self._sending)

    def _start(self, work: Coroutine[Any, Any, T], among: set[asyncio.Task[Any]]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        among.add(task)
        task.add_done_callback(among.discard)
        return task

    async def _all(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            # What fails waits by itself: it does not hold up what comes after it.
            if not await self._try(delivery):
                self._start(self._retry(delivery), self._retrying)

    async def _retry(self, delivery: Delivery) -> None:
        for wait_s in RETRIES_AFTER_S:
            await self._clock.sleep(wait_s)
            if delivery.subscription.id not in self.subscriptions:
                return
            if await self._start(self._try(delivery), self._sending):
                return
        delivery.state = "failed"
        self.subscriptions.pop(delivery.subscription.id, None)

    async def _try(self, delivery: Delivery) -> bool:
        mac = hmac.new(self._secret, delivery.body, hashlib.sha256).digest()
        headers = {
            "Content-Type": "application/json",
            "X-Shopify-Topic": delivery.subscription.topic,
            "X-Shopify-Hmac-SHA256": base64.b64encode(mac).decode(),
            "X-Shopify-Shop-Domain": self._shop,
            "X-Shopify-API-Version": "2026-10",
            "X-Shopify-Webhook-Id": delivery.webhook_id,
            "X-Shopify-Event-Id": delivery.event_id,
            "X-Shopify-Triggered-At": delivery.triggered_at,
        }
        if self._session is None:
            # A connection for each: one that is kept would break when the receiver is started again.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True), cookie_jar=aiohttp.DummyCookieJar(), timeout=_ANSWER
            )
        try:
            async with self._session.post(
                delivery.subscription.uri, data=delivery.body, headers=headers, allow_redirects=False
            ) as answer:
                status = answer.status
        except (TimeoutError, aiohttp.ClientError, OSError):
            status = 0
        delivery.tries.append(status)
        if 200 <= status < 300:
            delivery.state = "delivered"
        return delivery.state == "delivered"
