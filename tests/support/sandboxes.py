"""What the tests of every source's sandbox need: somebody who takes webhooks, a clock that is moved, a whole sweep."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from connectors.base import Events, SourceConfig
from connectors.registry import CONNECTORS
from connectors.sandboxes.sending import Sending
from connectors.sweeping import Sweeper
from connectors.xero.sandbox import ManualClock
from schemas.envelope import Envelope
from schemas.raw import RawRecord

START = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
_PAGES_MAX = 200


@dataclass(slots=True)
class Ears:
    """Who takes webhooks for a source. `status` is what it answers; `heard` is every request."""

    source: SourceConfig
    status: int = 200
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.heard.append((headers, await request.read()))
        return web.Response(status=self.status)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """Listen while the block runs; yields the address."""
        path = f"/v1/sources/{self.source.name}"
        application = web.Application()
        application.router.add_post(path, self.take)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}{path}"
        finally:
            await runner.cleanup()

    def records(self) -> list[RawRecord]:
        """What a receiver would put into the topic raw."""
        kept = CONNECTORS[self.source.connector].kept_headers
        return [
            RawRecord(
                source=self.source.name,
                connector=self.source.connector,
                body=body,
                received_at=START,
                headers={name: headers[name] for name in kept},
            )
            for headers, body in self.heard
        ]


async def later(clock: ManualClock, deliveries: Sending[Any], seconds: float) -> None:
    """Moves the sandbox's clock, and lets what woke up do its work."""
    clock.advance(seconds)
    for _ in range(3):
        await asyncio.sleep(0)
    await deliveries.settled()


async def swept(sweeper: Sweeper, cursor: str | None = None, *, after_s: float = 60) -> tuple[list[RawRecord], str]:
    """A whole round of a sweep, up to so many seconds after the start; what it found, and where the next one begins."""
    found: list[RawRecord] = []
    for _ in range(_PAGES_MAX):
        page = await sweeper.page(cursor, START + timedelta(seconds=after_s))
        found += page.records
        cursor = page.cursor
        if not page.more:
            return found, cursor
    raise AssertionError("the round does not end")


def told(records: Iterable[RawRecord], config: SourceConfig) -> list[Envelope]:
    """The events of these records; those that tell none are left out."""
    normalise = CONNECTORS[config.connector].normalise
    outcomes = [normalise(record, config) for record in records]
    return [event for outcome in outcomes if isinstance(outcome, Events) for event in outcome.envelopes]
