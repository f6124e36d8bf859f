"""The sandbox as one object: in-process for tests and the demo, or served until it is stopped."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

from aiohttp import web

from connectors.sandboxes import running
from connectors.sandboxes.running import Options
from connectors.stripe.sandbox import app
from connectors.stripe.sandbox.api import Api
from connectors.stripe.sandbox.billing import Billing
from connectors.stripe.sandbox.book import Book
from connectors.stripe.sandbox.deliveries import Deliveries
from connectors.stripe.sandbox.desk import Desk
from connectors.stripe.sandbox.payments import Payments
from connectors.stripe.sandbox.payouts import Payouts
from connectors.xero.sandbox.clock import Clock, SystemClock

# What signs, and what opens the API: the same on every start, so that what is configured once goes on fitting.
SIGNS: Final = "whsec_sandbox_secret_that_signs_webhooks"
OPENS: Final = "rk_live_sandbox_key_of_the_api"


class StripeSandbox:
    """One account, its API and its webhooks. `secret` signs, `token` opens the API."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        secret: str = SIGNS,
        token: str = OPENS,
        new_id: Callable[[], str] | None = None,
    ) -> None:
        self.clock = clock or SystemClock()
        self.deliveries = Deliveries(self.clock, secret)
        self.book = Book(self.clock, self.deliveries.tell, new_id)
        self.payments = Payments(self.book)
        self.payouts = Payouts(self.book)
        self.billing = Billing(self.book, self.payments)
        self.api = Api(self.book, self.billing, self.deliveries, token)

    def app(self) -> web.Application:
        """The HTTP application, for a runner of one's own; `serve` brings its own."""
        desk = Desk(self.book, self.payments, self.payouts, self.billing, self.deliveries)
        return app.build(self.api, desk, self.deliveries)

    def serve(self, host: str = "127.0.0.1", port: int = 0) -> AbstractAsyncContextManager[str]:
        """Serve until the block is left; yields the address. Port 0: a free one. Raises OSError when it is taken."""
        return running.serve(self.app(), host, port)


async def main_async(options: Options) -> int:
    """Serve until SIGINT or SIGTERM, after saying how to connect; the exit code. Raises OSError."""
    sandbox = StripeSandbox()
    if options.webhooks_to:
        sandbox.deliveries.add(options.webhooks_to)
    return await running.serve_until_stopped(
        sandbox.app(),
        options,
        "A Stripe account",
        lambda url: {
            "api_url": url,
            "token": OPENS,
            "secret": SIGNS,
            "webhooks_to": options.webhooks_to,
            "admin_url": f"{url}/_sandbox",
        },
    )
