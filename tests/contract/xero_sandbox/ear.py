"""Who receives the sandbox's webhooks: a server that checks signatures by itself, and answers as a test wants."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

from connectors.xero.sandbox import ManualClock, Sandbox, Switches
from tests.contract.xero_sandbox.wire_client import Wire, wired

KEY = "S2V5IG9mIHRoZSB3ZWJob29r"
START = datetime(2026, 9, 14, 8, 0, 0, 123_000, tzinfo=UTC)


@dataclass
class Heard:
    """One POST."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


Answering = Callable[[], web.Response]


def refusal() -> web.Response:
    """What a receiver without its broker answers."""
    return web.Response(status=503)


@dataclass
class Ear:
    """`good` and `bad` answer what is signed rightly and wrongly. One that is `deaf` answers once it `may_answer`."""

    key: str = KEY
    url: str = ""
    good: Answering = web.Response
    bad: Answering = field(default=lambda: web.Response(status=401))
    deaf: bool = False
    posts: list[Heard] = field(default_factory=list)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.Response:
        heard = Heard(request.path, request.headers, await request.read())
        self.posts.append(heard)
        mac = hmac.new(self.key.encode(), heard.body, hashlib.sha256).digest()
        if self.deaf:
            await self.may_answer.wait()
        if heard.headers["X-Xero-Signature"] != base64.b64encode(mac).decode():
            return self.bad()
        return self.good()

    @property
    def deliveries(self) -> list[Any]:
        """The bodies with events, in the order in which they came, doubles too."""
        return [body for heard in self.posts if (body := heard.json)["events"]]

    @property
    def spans(self) -> list[tuple[int, int]]:
        """First and last sequence of each of them."""
        return [(body["firstEventSequence"], body["lastEventSequence"]) for body in self.deliveries]

    @property
    def told(self) -> list[tuple[str, str]]:
        """Category and type of every event."""
        return [(event["eventCategory"], event["eventType"]) for body in self.deliveries for event in body["events"]]


@dataclass
class Line:
    """A sandbox on a manual clock, with an ear that has subscribed."""

    wire: Wire
    ear: Ear
    clock: ManualClock

    @property
    def sandbox(self) -> Sandbox:
        return self.wire.sandbox

    async def contact(self, name: str, tenant: str | None = None) -> str:
        """A new contact; its id."""
        answer = await self.wire.call("PUT", "/Contacts", {"Name": name}, tenant=tenant)
        return str(answer.json["Contacts"][0]["ContactID"])

    async def deliver(self) -> Any:
        """Everything that waits for its first try is tried."""
        return (await self.wire.admin("POST", "/webhooks/deliver")).json

    async def sent(self, *names: str) -> None:
        """A delivery for each of the new contacts."""
        for name in names:
            await self.contact(name)
            await self.deliver()

    async def state(self) -> Any:
        return (await self.wire.admin("GET", "/webhooks")).json

    async def subscribe(self, **changes: str) -> Any:
        return (await self.wire.admin("PUT", "/webhooks", {"url": self.ear.url, "key": self.ear.key, **changes})).json

    async def tried(self, count: int) -> None:
        """The first delivery has been tried so many times."""
        await until(lambda: len(self.sandbox.webhook.shown()["deliveries"][0]["tries"]) == count)

    async def after(self, seconds: float, told: Callable[[], bool]) -> None:
        """Move the clock on, and wait for what must follow from it."""
        self.clock.advance(seconds)
        await until(told)


async def until(told: Callable[[], bool]) -> None:
    """Wait for the tasks beside this one; fails after 5 s."""
    deadline = asyncio.get_running_loop().time() + 5
    while not told():
        assert asyncio.get_running_loop().time() < deadline, "it did not happen"
        await asyncio.sleep(0.002)


@asynccontextmanager
async def listening(ear: Ear | None = None) -> AsyncIterator[Ear]:
    """A served ear."""
    ear = ear or Ear()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", ear.handle)
    async with TestServer(application, shutdown_timeout=0.1) as server:
        ear.url = str(server.make_url("/v1/sources/xero-1"))
        yield ear
        ear.may_answer.set()


@asynccontextmanager
async def line(ear: Ear | None = None, **switches: Any) -> AsyncIterator[Line]:
    """A sandbox whose webhook an ear has subscribed."""
    clock = ManualClock(START)
    sandbox = Sandbox(clock=clock, switches=Switches().changed(**switches))
    async with listening(ear) as listener, wired(sandbox) as wire:
        found = Line(wire, listener, clock)
        await found.subscribe()
        yield found
        listener.may_answer.set()
