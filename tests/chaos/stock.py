"""Faust as it comes, in place of our runs: an ordinary app whose agents await every output of every event.

It has what `streams.kafka.app` offers, so the same handlers run on it; what it loses is what our runs keep.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import faust
from yarl import URL

from streams.kafka.app import Handler
from streams.kafka.records import Record, Run

_STOP_S = 4.0


def create_app(bootstrap: str, group: str, *, datadir: Path, **_of_runs: Any) -> faust.App:
    """An app with Faust's own consumer, commits and supervisor."""
    datadir.parent.mkdir(parents=True, exist_ok=True)
    return faust.App(
        group,
        broker=[URL(f"kafka://{bootstrap}")],
        autodiscover=False,
        datadir=str(datadir),
        store="memory://",
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=10.0,
        broker_heartbeat_interval=2.5,
        broker_commit_interval=1.0,
    )


def run_agent(app: faust.App, topics: Sequence[str], handler: Handler, name: str) -> None:
    """An ordinary agent: one event after another, acknowledged by Faust when the next one is asked for."""
    channel = app.topic(*topics, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

    async def consume(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            safe = await handler(Run(message.topic, message.partition, (_record(message),)))
            if safe is not None:
                await safe

    app.agent(channel, name=name)(consume)


def _record(message: Any) -> Record:
    return Record(
        key=message.key or b"",
        value=message.value or b"",
        headers=tuple((name, value or b"") for name, value in message.headers or ()),
        offset=message.offset,
        timestamp_ms=int(message.timestamp * 1000),
    )


class StockApp:
    """Runs it as `EmbeddedApp` runs ours. Faust's own supervisor restarts agents, so nothing crashes the process."""

    def __init__(self, app: faust.App) -> None:
        self._app = app
        self._never = asyncio.Event()

    @property
    def crashed(self) -> BaseException | None:
        return None

    async def start(self) -> None:
        self._app.finalize()
        await self._app.start()

    async def wait_ready(self) -> None:
        """It is ready when it has started."""

    async def wait_crashed(self) -> BaseException:
        await self._never.wait()
        raise AssertionError

    async def stop(self) -> bool:
        done, _ = await asyncio.wait({asyncio.ensure_future(self._app.stop())}, timeout=_STOP_S)
        return bool(done)
