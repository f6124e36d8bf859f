"""The sandbox as one object: in-process for tests and the demo, or served until it is stopped."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

from aiohttp import web

from connectors.sandboxes import running
from connectors.sandboxes.running import Options
from connectors.shopify.sandbox import app
from connectors.shopify.sandbox.api import Api
from connectors.shopify.sandbox.deliveries import Deliveries
from connectors.shopify.sandbox.shop import Shop
from connectors.xero.sandbox.clock import Clock, SystemClock

# What a shop's webhooks are subscribed to when the sandbox is started with an address.
TOPICS: Final = (
    "orders/create",
    "orders/updated",
    "orders/paid",
    "orders/edited",
    "orders/cancelled",
    "order_transactions/create",
    "refunds/create",
    "customers/create",
    "customers/update",
    "disputes/create",
    "disputes/update",
)
# What signs, and what opens the API: the same on every start, so that what is configured once goes on fitting.
SIGNS: Final = "shpss_sandbox_secret_that_signs_webhooks"
OPENS: Final = "shpat_sandbox_token_of_the_admin_api"
SHOP: Final = "sandbox.myshopify.com"


class ShopifySandbox:
    """One shop, its API and its webhooks. `secret` signs, `token` opens the API."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        secret: str = SIGNS,
        token: str = OPENS,
        new_id: Callable[[], str] | None = None,
    ) -> None:
        self.clock = clock or SystemClock()
        self.deliveries = Deliveries(self.clock, secret, SHOP, new_id)
        self.shop = Shop(self.clock, self.deliveries.tell)
        self.api = Api(self.shop, self.deliveries, token, self.clock)

    def app(self) -> web.Application:
        """The HTTP application, for a runner of one's own; `serve` brings its own."""
        return app.build(self.shop, self.api, self.deliveries)

    def subscribe_all(self, uri: str) -> None:
        """Every topic to one address."""
        for topic in TOPICS:
            self.deliveries.subscribe(topic, uri)

    def serve(self, host: str = "127.0.0.1", port: int = 0) -> AbstractAsyncContextManager[str]:
        """Serve until the block is left; yields the address. Port 0: a free one. Raises OSError when it is taken."""
        return running.serve(self.app(), host, port)


async def main_async(options: Options) -> int:
    """Serve until SIGINT or SIGTERM, after saying how to connect; the exit code. Raises OSError."""
    sandbox = ShopifySandbox()
    if options.webhooks_to:
        sandbox.subscribe_all(options.webhooks_to)
    return await running.serve_until_stopped(
        sandbox.app(),
        options,
        "A Shopify shop",
        lambda url: {
            "api_url": url,
            "token": OPENS,
            "secret": SIGNS,
            "webhooks_to": options.webhooks_to,
            "admin_url": f"{url}/_sandbox",
        },
    )
