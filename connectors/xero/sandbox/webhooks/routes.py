"""The webhook on the admin surface: what a person sets in Xero's developer portal, and what a test orders."""

from typing import Any

import msgspec
from aiohttp import web

from connectors.xero.sandbox.admin_requests import AdminError, number_after, object_of, routes_of
from connectors.xero.sandbox.engine import Engine
from connectors.xero.sandbox.webhooks.delivery import Subscription
from connectors.xero.sandbox.webhooks.orders import Orders


def webhook_routes(engine: Engine) -> list[web.RouteDef]:
    """The paths below /_sandbox/webhooks of one sandbox."""
    admin = _WebhookAdmin(engine)
    return routes_of(
        [
            ("GET", "/_sandbox/webhooks", admin.state),
            ("PUT", "/_sandbox/webhooks", admin.subscribe),
            ("DELETE", "/_sandbox/webhooks", admin.unsubscribe),
            ("POST", "/_sandbox/webhooks/enable", admin.enable),
            ("POST", "/_sandbox/webhooks/orders", admin.order),
            ("POST", "/_sandbox/webhooks/deliver", admin.deliver),
        ]
    )


class _WebhookAdmin:
    def __init__(self, engine: Engine) -> None:
        self._webhook = engine.webhook

    async def state(self, request: web.Request) -> Any:
        return self._webhook.shown(number_after(request))

    async def subscribe(self, request: web.Request) -> Any:
        body = await object_of(request)
        url, key = body.get("url"), body.get("key")
        if not isinstance(url, str) or not isinstance(key, str) or not key:
            raise AdminError("expected {'url': 'https://…', 'key': 'the webhook key'}")
        try:
            return (await self._webhook.subscribe(url, key)).shown()
        except ValueError as error:
            raise AdminError(str(error)) from None

    async def unsubscribe(self, _request: web.Request) -> Any:
        self._webhook.unsubscribe()
        return {}

    async def enable(self, _request: web.Request) -> Any:
        known = self._subscription()
        return (await self._webhook.subscribe(known.url, known.key)).shown()

    async def order(self, request: web.Request) -> Any:
        try:
            self._webhook.orders = msgspec.convert(await object_of(request), Orders)
        except msgspec.ValidationError as error:
            raise AdminError(f"the orders cannot be read: {error}") from None
        return self._webhook.orders.shown()

    async def deliver(self, _request: web.Request) -> Any:
        self._subscription()
        return [delivery.shown() for delivery in await self._webhook.deliver()]

    def _subscription(self) -> Subscription:
        if self._webhook.subscription is None:
            raise AdminError("there is no webhook: PUT {'url': …, 'key': …} to /_sandbox/webhooks first")
        return self._webhook.subscription
