"""A sandbox of a shop, a sweep of it over HTTP, and somebody who takes its webhooks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp

from connectors.base import ApiConfig, Secret, SourceConfig
from connectors.fetching import Fetcher
from connectors.shopify.sandbox import Shop, ShopifySandbox
from connectors.shopify.sweep import ShopifySweeper
from connectors.xero.sandbox import ManualClock
from tests.support.sandboxes import START, Ears

KEY = "shpss_of_this_year"
ACCESS = "shpat_of_this_year"
SOURCE = SourceConfig(name="shop-1", connector="shopify", secrets=(Secret(KEY),), gateway="shop-1")


@dataclass(slots=True)
class Running:
    """Everything that a test needs."""

    sandbox: ShopifySandbox
    clock: ManualClock
    ears: Ears
    url: str
    uri: str
    http: aiohttp.ClientSession

    def config(self, access: str = ACCESS) -> SourceConfig:
        return replace(SOURCE, api=ApiConfig(url=self.url, token=Secret(access)))

    def sweeper(self, access: str = ACCESS) -> ShopifySweeper:
        return ShopifySweeper(self.config(access), Fetcher(self.http, self.url, timeout_s=5))

    @property
    def topics(self) -> list[str]:
        """What the webhooks so far were about."""
        return [headers["x-shopify-topic"] for headers, _ in self.ears.heard]

    async def call(self, path: str, body: Any) -> Any:
        """What a person does at the sandbox's desk."""
        async with self.http.post(f"{self.url}/_sandbox/{path}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()


@asynccontextmanager
async def running(*, is_subscribed: bool = True) -> AsyncIterator[Running]:
    """A shop with a clock that stands still."""
    clock, ears = ManualClock(START), Ears(SOURCE)
    counted = iter(range(1, 100_000))
    sandbox = ShopifySandbox(clock=clock, secret=KEY, token=ACCESS, new_id=lambda: f"id-{next(counted)}")
    async with ears.open() as uri, sandbox.serve() as url, aiohttp.ClientSession() as http:
        if is_subscribed:
            sandbox.subscribe_all(uri)
        yield Running(sandbox, clock, ears, url, uri, http)


def decided(shop: Shop) -> None:
    """An order is paid for, and its payment disputed and lost."""
    order = shop.place({"SEAT-KID": 1})
    shop.pay(order)
    shop.decide(shop.dispute(order), "lost")
