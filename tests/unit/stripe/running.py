"""A sandbox of an account, a sweep of it over HTTP, and somebody who takes its webhooks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp

from connectors.base import ApiConfig, Secret, SourceConfig
from connectors.fetching import Fetcher
from connectors.stripe.sandbox import StripeSandbox
from connectors.stripe.sweep import StripeSweeper
from connectors.xero.sandbox import ManualClock
from tests.support.sandboxes import START, Ears, later
from tests.unit.stripe.payloads import LIVE

KEY = "whsec_one"
ACCESS = "rk_of_this_year"


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
        """Moves the account's clock."""
        await later(self.clock, self.sandbox.deliveries, seconds)


@asynccontextmanager
async def running() -> AsyncIterator[Running]:
    """An account with a clock that stands still, all of whose webhooks are heard."""
    clock, ears = ManualClock(START), Ears(LIVE)
    counted = iter(range(1, 100_000))
    sandbox = StripeSandbox(clock=clock, secret=KEY, token=ACCESS, new_id=lambda: f"{next(counted):05}")
    async with ears.open() as uri, sandbox.serve() as url, aiohttp.ClientSession() as http:
        sandbox.deliveries.add(uri)
        yield Running(sandbox, clock, ears, url, uri, http)
