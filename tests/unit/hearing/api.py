"""A source's API on a real port, with a log of what was asked of it, and a sweeper that asks it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from connectors.fetching import Fetcher
from connectors.sweeping import Page, Subscription
from schemas.raw import RawRecord


@dataclass
class Api:
    """`changes` are ids by the second in which they changed; a page has two of them. `answers` are given first."""

    changes: list[tuple[int, str]] = field(default_factory=list)
    answers: list[web.Response] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    seen_headers: list[dict[str, str]] = field(default_factory=list)
    active: bool = True
    url: str = ""

    async def list(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        self.seen_headers.append(dict(request.headers))
        if self.answers:
            return self.answers.pop(0)
        after, until = int(request.query["after"]), int(request.query["until"])
        due = sorted(one for one in self.changes if after < one[0] < until)
        return web.json_response({"changes": due[:2], "more": len(due) > 2})


@asynccontextmanager
async def serving(api: Api) -> AsyncIterator[Api]:
    """The API, until the block ends."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", api.list)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        api.url = f"http://{host}:{port}"
        yield api
    finally:
        await runner.cleanup()


class ListSweeper:
    """Asks the API, and makes a raw record of each change."""

    def __init__(self, fetcher: Fetcher, api: Api) -> None:
        self._fetcher = fetcher
        self._api = api

    async def page(self, cursor: str | None, until: datetime) -> Page:
        query = {"after": cursor or "0", "until": str(int(until.timestamp()))}
        found: dict[str, Any] = await self._fetcher.get("/changes", query)
        records = tuple(
            RawRecord(
                source="shop-1", connector="list", body=name.encode(), received_at=datetime.now(UTC), swept="changes"
            )
            for _, name in found["changes"]
        )
        last = str(found["changes"][-1][0]) if found["changes"] else query["after"]
        return Page(records=records, cursor=last, more=found["more"])

    async def subscription(self) -> Subscription | None:
        return Subscription(active=self._api.active, words="on" if self._api.active else "the shop deleted it")
