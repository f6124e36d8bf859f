"""Webhooks of an account: to every endpoint that is enabled for them, signed anew at each try, for three days.

Stripe tries live events for up to three days with exponential waits, and disables an endpoint that has failed for
several days (its page "Receive Stripe events in your webhook endpoint"). It does not say when the tries are: here each
wait is twice the one before it.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import orjson

from connectors.sandboxes.sending import Manners, Sending
from connectors.stripe.sandbox.book import VERSION, NotPossible
from connectors.xero.sandbox.clock import Clock
from connectors.xero.sandbox.webhooks.posting import check_address

_TRIES: Final = 10
RETRIES_AFTER_S: Final = tuple(3 * 86_400 * 2**at / (2**_TRIES - 1) for at in range(_TRIES))
_ANSWER: Final = aiohttp.ClientTimeout(total=10)


@dataclass(slots=True)
class Delivery:
    """One event on its way to one endpoint (connectors.sandboxes.sending.Message)."""

    endpoint: dict[str, Any]
    event_id: str
    type: str
    body: bytes
    tries: list[int] = field(default_factory=list)
    state: str = "waiting"


class Deliveries(Sending[Delivery]):
    """The endpoints, as the API shows them, and everything that was sent to them."""

    def __init__(self, clock: Clock, secret: str) -> None:
        manners = Manners(
            request=self._request,
            is_wanted=lambda delivery: delivery.endpoint["status"] == "enabled",
            gave_up=lambda delivery: delivery.endpoint.update(status="disabled"),
            timeout=_ANSWER,
            retries_after_s=RETRIES_AFTER_S,
        )
        super().__init__(clock, manners)
        self._secret = secret.encode()
        self.endpoints: dict[str, dict[str, Any]] = {}

    def add(self, url: str, events: Sequence[str] = ("*",)) -> dict[str, Any]:
        """An endpoint for these types of events. Raises ValueError for an address that nothing can be sent to."""
        check_address(url)
        endpoint = {
            "id": f"we_{len(self.endpoints) + 1}",
            "object": "webhook_endpoint",
            "api_version": None,
            "created": int(self._clock.now().timestamp()),
            "enabled_events": list(events),
            "livemode": True,
            "status": "enabled",
            "url": url,
        }
        self.endpoints[str(endpoint["id"])] = endpoint
        return endpoint

    def change(self, identifier: str, form: Mapping[str, str]) -> dict[str, Any]:
        """The endpoint with what the form says: `disabled`."""
        if identifier not in self.endpoints:
            raise NotPossible(f"No such webhook endpoint: '{identifier}'")
        if "disabled" in form:
            self.endpoints[identifier]["status"] = "disabled" if form["disabled"] == "true" else "enabled"
        return self.endpoints[identifier]

    def tell(self, event: Mapping[str, Any]) -> None:
        """One event to whoever wants it."""
        body = orjson.dumps(event, option=orjson.OPT_INDENT_2)
        for endpoint in self.endpoints.values():
            wanted = endpoint["enabled_events"]
            if endpoint["status"] == "enabled" and ("*" in wanted or event["type"] in wanted):
                self.send(Delivery(endpoint, event["id"], event["type"], body))

    def _request(self, delivery: Delivery) -> tuple[str, Mapping[str, str]]:
        at = int(self._clock.now().timestamp())
        signed = hmac.new(self._secret, b"%d.%s" % (at, delivery.body), hashlib.sha256).hexdigest()
        return delivery.endpoint["url"], {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": f"t={at},v1={signed}",
            "User-Agent": f"Stripe/1.0 ({VERSION})",
        }
