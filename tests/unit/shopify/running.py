"""A sandbox of a shop, a sweep of it over HTTP, and somebody who takes its webhooks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from aiohttp import web

from connectors.base import ApiConfig, Events, Secret, SourceConfig
from connectors.fetching import Fetcher
from connectors.shopify.normalise import KEPT_HEADERS, normalise
from connectors.shopify.sandbox import Shop, ShopifySandbox
from connectors.shopify.sweep import ShopifySweeper
from connectors.xero.sandbox import ManualClock
from schemas.envelope import Envelope
from schemas.raw import RawRecord

START = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
KEY = "shpss_of_this_year"
ACCESS = "shpat_of_this_year"


@dataclass(slots=True)
class Ears:
    """Who takes webhooks. `status` is what it answers; `heard` is every request."""

    status: int = 200
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.heard.append((headers, await request.read()))
        return web.Response(status=self.status)

    @property
    def topics(self) -> list[str]:
        return [headers["x-shopify-topic"] for headers, _ in self.heard]

    def records(self) -> list[RawRecord]:
        """What a receiver would put into the topic raw."""
        return [
            RawRecord(
                source="shop-1",
                connector="shopify",
                body=body,
                received_at=START,
                headers={name: headers[name] for name in KEPT_HEADERS},
            )
            for headers, body in self.heard
        ]


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
        api = ApiConfig(url=self.url, token=Secret(access))
        return SourceConfig(name="shop-1", connector="shopify", secrets=(Secret(KEY),), gateway="shop-1", api=api)

    def sweeper(self, access: str = ACCESS) -> ShopifySweeper:
        return ShopifySweeper(self.config(access), Fetcher(self.http, self.url, timeout_s=5))

    async def call(self, path: str, body: Any) -> Any:
        """What a person does at the sandbox's desk."""
        async with self.http.post(f"{self.url}/_sandbox/{path}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()


@asynccontextmanager
async def running(*, is_subscribed: bool = True) -> AsyncIterator[Running]:
    """A shop with a clock that stands still."""
    clock, ears = ManualClock(START), Ears()
    counted = iter(range(1, 100_000))
    sandbox = ShopifySandbox(clock=clock, secret=KEY, token=ACCESS, new_id=lambda: f"id-{next(counted)}")
    listening = web.Application()
    listening.router.add_post("/v1/sources/shop-1", ears.take)
    runner = web.AppRunner(listening, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        uri = f"http://127.0.0.1:{runner.addresses[0][1]}/v1/sources/shop-1"
        if is_subscribed:
            sandbox.subscribe_all(uri)
        async with sandbox.serve() as url, aiohttp.ClientSession() as http:
            yield Running(sandbox, clock, ears, url, uri, http)
    finally:
        await runner.cleanup()


async def swept(
    sweeper: ShopifySweeper, cursor: str | None = None, *, after_s: float = 60
) -> tuple[list[RawRecord], str]:
    """A whole round of a sweep, up to so many seconds after the start; what it found, and where the next one begins."""
    found: list[RawRecord] = []
    for _ in range(200):
        page = await sweeper.page(cursor, START + timedelta(seconds=after_s))
        found += page.records
        cursor = page.cursor
        if not page.more:
            return found, cursor
    raise AssertionError("the round does not end")


def told(records: list[RawRecord], config: SourceConfig) -> list[Envelope]:
    """The events of these records; those that tell none are left out."""
    outcomes = [normalise(record, config) for record in records]
    return [event for outcome in outcomes if isinstance(outcome, Events) for event in outcome.envelopes]


def decided(shop: Shop) -> None:
    """An order is paid for, and its payment disputed and lost."""
    order = shop.place({"SEAT-KID": 1})
    shop.pay(order)
    shop.decide(shop.dispute(order), "lost")
