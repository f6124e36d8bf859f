"""The demo's home, and the real receiver over a broker in memory."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from connectors.base import PublishFailed, RecordPosition
from connectors.receiver import create_app, serve
from connectors.registry import CONNECTORS
from schemas import envelope
from schemas.topics import TopicName
from streams.demo.events import Event
from streams.demo.home import Home, prepare
from streams.demo.producers import World
from streams.tenants import load
from tests.unit.receiver.support import Counted, MachineClock, MemoryStatus

TENANTS = Path(__file__).resolve().parents[3] / "deploy" / "tenants"
Stored = tuple[TopicName, bytes, bytes, tuple[tuple[str, bytes], ...]]


def prepared(folder: Path) -> Home:
    return prepare(folder, TENANTS, lambda: secrets.token_urlsafe(24), "http://127.0.0.1:0")


def environment(home: Home) -> dict[str, str]:
    return {**home.variables(), "LEDGERSTREAM_TENANT_UK": "uk-id", "LEDGERSTREAM_TENANT_IE": "ie-id"}


class ShakyPublisher:
    """A broker in memory that does not acknowledge every fortieth record at first."""

    def __init__(self) -> None:
        self.records: list[Stored] = []
        self._asked = 0

    async def publish(
        self, topic: TopicName, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> RecordPosition:
        self._asked += 1
        if self._asked % 40 == 0:
            raise PublishFailed("no broker")
        self.records.append((topic, key, value, tuple(headers)))
        return RecordPosition(f"ledgerstream.{topic}", 0, len(self.records) - 1)


@asynccontextmanager
async def receiver(home: Home, publisher: ShakyPublisher) -> AsyncIterator[str]:
    async def always() -> str | None:
        return None

    app = create_app(
        load(home.tenants, environment(home)).sources,
        connectors=CONNECTORS,
        publisher=publisher,
        status=MemoryStatus(),
        metrics=Counted(),
        clock=MachineClock(),
        not_ready=always,
    )
    async with serve(app, "127.0.0.1", 0) as (host, port):
        yield f"http://{host}:{port}"


@asynccontextmanager
async def world(home: Home, publisher: ShakyPublisher) -> AsyncIterator[World]:
    async def kafka(event: Event) -> None:
        read = envelope.from_document(dict(event.document))
        key, value, headers = envelope.to_kafka(read)
        publisher.records.append(("events.orders", key, value, tuple(headers)))

    async with receiver(home, publisher) as address, aiohttp.ClientSession() as session:
        yield World(session, address, home.credentials, kafka)
