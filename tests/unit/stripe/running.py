"""A sandbox of an account, a sweep of it over HTTP, and somebody who takes its webhooks."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from aiohttp import web

from connectors.base import ApiConfig, Events, Secret, SourceConfig
from connectors.fetching import Fetcher
from connectors.stripe.normalise import normalise
from connectors.stripe.sandbox import StripeSandbox
from connectors.stripe.sweep import StripeSweeper
from connectors.xero.sandbox import ManualClock
from schemas.envelope import Envelope
from schemas.raw import RawRecord
from tests.unit.stripe.payloads import LIVE

START = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
KEY = "whsec_one"
ACCESS = "rk_of_this_year"


@dataclass(slots=True)
class Ears:
    """Who takes webhooks. `status` is what it answers; `heard` is every request."""

    status: int = 200
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.heard.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        return web.Response(status=self.status)

    def records(self) -> list[RawRecord]:
        """What a receiver would put into the topic raw."""
        return [
            RawRecord(source="stripe-1", connector="stripe", body=body, received_at=START) for _, body in self.heard
        ]


@dataclass(slots=True)
class Running:
    """Everything that a test needs."""

    sandbox: StripeSandbox
    clock: ManualClock
    ears: Ears
    url: str
    uri: str
    http: aiohttp.ClientSession

    def config(self, access: str = ACCESS) -> SourceConfig:
        return replace(LIVE, api=ApiConfig(url=self.url, token=Secret(access)))

    def sweeper(self, access: str = ACCESS) -> StripeSweeper:
        return StripeSweeper(self.config(access), Fetcher(self.http, self.url, timeout_s=5))

    async def call(self, path: str, body: Any, status: int = 200) -> Any:
        """What a person does at the sandbox's desk."""
        async with self.http.post(f"{self.url}/_sandbox/{path}", json=body) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()

    async def ask(self, path: str, access: str = ACCESS) -> tuple[int, Any]:
        """What the API answers."""
        headers = {"Authorization": f"Bearer {access}"}
        async with self.http.get(self.url + path, headers=headers) as answer:
            return answer.status, await answer.json()

    async def later(self, seconds: float) -> None:
        """Moves the account's clock, and lets what woke up do its work."""
        self.clock.advance(seconds)
        for _ in range(3):
            await asyncio.sleep(0)
        await self.sandbox.deliveries.settled()


@asynccontextmanager
async def running() -> AsyncIterator[Running]:
    """An account with a clock that stands still, all of whose webhooks are heard."""
    clock, ears = ManualClock(START), Ears()
    counted = iter(range(1, 100_000))
    sandbox = StripeSandbox(clock=clock, secret=KEY, token=ACCESS, new_id=lambda: f"{next(counted):05}")
    listening = web.Application()
    listening.router.add_post("/v1/sources/stripe-1", ears.take)
    runner = web.AppRunner(listening, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        uri = f"http://127.0.0.1:{runner.addresses[0][1]}/v1/sources/stripe-1"
        sandbox.deliveries.add(uri)
        async with sandbox.serve() as url, aiohttp.ClientSession() as http:
            yield Running(sandbox, clock, ears, url, uri, http)
    finally:
        await runner.cleanup()


async def swept(
    sweeper: StripeSweeper, cursor: str | None = None, *, after_s: float = 60
) -> tuple[list[RawRecord], str]:
    """A whole round of a sweep, up to so many seconds after the start; what it found, and where the next one begins."""
    found: list[RawRecord] = []
    for _ in range(100):
        page = await sweeper.page(cursor, START + timedelta(seconds=after_s))
        found += page.records
        cursor = page.cursor
        if not page.more:
            return found, cursor
    raise AssertionError("the round does not end")


def told(records: Sequence[RawRecord], config: SourceConfig) -> list[Envelope]:
    """The events of these records; those that tell none are left out."""
    outcomes = [normalise(record, config) for record in records]
    return [event for outcome in outcomes if isinstance(outcome, Events) for event in outcome.envelopes]
