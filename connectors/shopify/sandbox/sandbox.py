"""The sandbox as one object: in-process for tests and the demo, or served until it is stopped."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import orjson
from aiohttp import web

from connectors.shopify.sandbox import app
from connectors.shopify.sandbox.api import Api
from connectors.shopify.sandbox.deliveries import Deliveries
from connectors.shopify.sandbox.shop import Shop
from connectors.xero.sandbox.clock import Clock, SystemClock
from connectors.xero.sandbox.webhooks.posting import check_address

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

    @asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Serve until the block is left; yields the address. Port 0: a free one. Raises OSError when it is taken."""
        runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            yield f"http://{host}:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run a sandbox as a process of its own. Raises ValueError for an address that webhooks cannot go to."""

    host: str = "127.0.0.1"
    port: int = 0
    webhooks_to: str = ""
    as_json: bool = False

    def __post_init__(self) -> None:
        if self.webhooks_to:
            check_address(self.webhooks_to)


async def main_async(options: Options) -> int:
    """Serve until SIGINT or SIGTERM, after saying how to connect; the exit code. Raises OSError."""
    sandbox, stop = ShopifySandbox(), asyncio.Event()
    if options.webhooks_to:
        sandbox.subscribe_all(options.webhooks_to)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        async with sandbox.serve(options.host, options.port) as url:
            sys.stdout.write(_announcement(url, options))
            sys.stdout.flush()
            await stop.wait()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    return 0


def _announcement(url: str, options: Options) -> str:
    connect = {
        "api_url": url,
        "token": OPENS,
        "secret": SIGNS,
        "webhooks_to": options.webhooks_to,
        "admin_url": f"{url}/_sandbox",
    }
    if options.as_json:
        return orjson.dumps(connect).decode() + "\n"
    lines = ["A Shopify shop of your own is running. Stop it with Ctrl-C.", ""]
    lines += [f"  {name.replace('_', ' '):<12} {value}" for name, value in connect.items() if value]
    return "\n".join(lines) + "\n"
