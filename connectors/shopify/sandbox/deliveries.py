"""Webhooks of a shop: signed, sent to whoever subscribed, tried again, and given up.

Shopify waits 5 seconds for a 2xx, tries 8 times more within 4 hours, always with the same payload and ids, and then
deletes the subscription (its page "Troubleshoot webhooks"). It does not say when the tries are; here they come ever
more rarely. Nothing follows a redirect.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import orjson

from connectors.sandboxes.sending import Manners, Sending
from connectors.xero.sandbox.clock import Clock
from connectors.xero.sandbox.webhooks.posting import check_address, sign

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


class Deliveries(Sending[Delivery]):
    """All subscriptions, and everything that was ever sent to them. `new_id` gives the ids of events and webhooks."""

    def __init__(self, clock: Clock, secret: str, shop: str, new_id: Callable[[], str] | None = None) -> None:
        manners = Manners(
            request=self._request,
            is_wanted=lambda delivery: delivery.subscription.id in self.subscriptions,
            gave_up=lambda delivery: self._delete(delivery.subscription),
            timeout=_ANSWER,
            retries_after_s=RETRIES_AFTER_S,
        )
        super().__init__(clock, manners)
        self._secret = secret
        self._shop = shop
        self._new_id = new_id or (lambda: str(uuid.uuid4()))
        self.subscriptions: dict[int, Subscription] = {}
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
            self.send(Delivery(subscription, event_id, self._new_id(), at, payload))

    def _delete(self, subscription: Subscription) -> None:
        self.subscriptions.pop(subscription.id, None)

    def _request(self, delivery: Delivery) -> tuple[str, Mapping[str, str]]:
        return delivery.subscription.uri, {
            "Content-Type": "application/json",
            "X-Shopify-Topic": delivery.subscription.topic,
            "X-Shopify-Hmac-SHA256": sign(self._secret, delivery.body),
            "X-Shopify-Shop-Domain": self._shop,
            "X-Shopify-API-Version": "2026-10",
            "X-Shopify-Webhook-Id": delivery.webhook_id,
            "X-Shopify-Event-Id": delivery.event_id,
            "X-Shopify-Triggered-At": delivery.triggered_at,
        }
