"""A sender that also listens: the sandbox's webhooks come in over HTTP, and are taken in as receiver and agents do."""

import asyncio
import contextlib
import datetime as dt
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from connectors.base import HttpRequest, Secret, SourceConfig, Unauthentic
from connectors.xero import heard
from connectors.xero.sandbox import Sandbox, Switches
from connectors.xero.verify import verify
from schemas import raw
from schemas.commands import Ignored
from schemas.raw import RawRecord
from streams.kafka.records import Record
from streams.ledger import open_ledger
from streams.ledger.listening import Organisation as Listened
from streams.ledger.publishing import News
from streams.normalise import ended_record
from streams.sender.parts import Organisation
from tests.integration.sender.stream import Stream
from tests.integration.sender.world import HURRIED, RATES, JumpingClock, World, sender_on

SOURCE = SourceConfig(name="xero-1", connector="xero", secrets=(Secret("the webhook key"),))
LONDON = ZoneInfo("Europe/London")


class OneClock(JumpingClock):
    """The time of the sender and of Xero alike."""

    def seconds(self) -> float:
        return self.elapsed()


@dataclass
class Ears:
    """The way of a webhook into the ledger. `deaf`: nobody is there."""

    world: World
    deaf: bool = False
    bodies: list[bytes] = field(default_factory=list)
    _offset: int = 0

    async def post(self, request: web.Request) -> web.Response:
        if self.deaf:
            return web.Response(status=503)
        headers = tuple((name.lower(), value) for name, value in request.headers.items())
        received = HttpRequest("POST", request.path_qs, headers, await request.read())
        try:
            verify(received, SOURCE, dt.datetime.now(dt.UTC))
        except Unauthentic:
            return web.Response(status=401)
        self.bodies.append(received.body)
        await self.take_in(received.body)
        return web.Response(status=200)

    async def take_in(self, body: bytes) -> None:
        record = RawRecord(source="xero-1", connector="xero", body=body, received_at=dt.datetime.now(dt.UTC))
        outcome = heard.normalise(record, SOURCE)
        assert isinstance(outcome, Ignored), outcome
        key, value, headers = raw.to_kafka(record)
        kept = Record(key, value, tuple(headers), self._offset, 1_800_000_000_000)
        self._offset += 1
        await self.world.feed([ended_record(kept, outcome, "raw", 0, {"xero-1": SOURCE})])


@dataclass
class Hearing:
    """Everything that a test looks at."""

    world: World
    ears: Ears
    clock: JumpingClock
    listened: Listened
    stream: Stream = field(default_factory=Stream)

    async def news(self) -> list[tuple[str, dict[str, Any]]]:
        """Type and data of all that is told, in order."""
        found: list[News] = list(await self.world.ledger.publishing.unpublished_news(10_000))
        return [(one.envelope.type.split(".")[2], _data(one)) for one in found]

    async def told(self, *words: str, seconds: float = 15.0) -> list[dict[str, Any]]:
        """The news with one of these changes, as soon as there are some."""
        found: list[dict[str, Any]] = []

        async def look() -> bool:
            found[:] = [data for _, data in await self.news() if set(words) & set(data["changes"])]
            return bool(found)

        await eventually(look, seconds)
        return found


def _data(one: News) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(one.envelope.data)
    return found


async def eventually(look: Any, seconds: float = 15.0) -> None:
    """Until `look` holds."""
    for _ in range(int(seconds / 0.05)):
        if await look():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"not within {seconds} s")


@contextlib.asynccontextmanager
async def hearing(
    folder: Path,
    *,
    subscribed: bool = True,
    every: dt.timedelta = dt.timedelta(hours=1),
    switches: Switches | None = None,
) -> AsyncIterator[Hearing]:
    """A sandbox, a sender that listens to its first organisation, and the door of its webhooks."""
    clock, database = OneClock(), folder / "ledger.db"
    sandbox = Sandbox(clock=clock, switches=switches or Switches())
    async with sandbox.serve() as address:
        ledger = await open_ledger(f"sqlite:///{database}", clock)
        tenant_id = sandbox.organisations[0].tenant_id
        listened = Listened(tenant="uk", xero_tenant_id=tenant_id, source="xero-1", every=every, zone=LONDON)
        organisations = [Organisation("uk", tenant_id, RATES, listened)]
        try:
            given = sender_on(sandbox, address, ledger, organisations, patience=HURRIED, clock=clock)
            async with given as (sender, counts):
                world = World(sandbox, address, ledger, database, sender, counts)
                ears = Ears(world)
                async with _door(ears) as url:
                    if subscribed:
                        assert (await sandbox.webhook.subscribe(url, "the webhook key")).status == "ok"
                    yield Hearing(world, ears, clock, listened)
                    await sandbox.webhook.close()
        finally:
            await ledger.close()


@contextlib.asynccontextmanager
async def _door(ears: Ears) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/v1/sources/xero-1", ears.post)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1/sources/xero-1"
    finally:
        await runner.cleanup()
