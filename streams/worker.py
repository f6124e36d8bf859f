"""A worker: the three agents and the services beside them, from start to orderly end.

Start: ledger, topics, Faust, then sender and publisher. Stop: no new call to Xero, answers that come are settled, runs
that were begun end, what the ledger decided is published. Whatever fails ends the process with an error, and the next
start goes on from the ledger (facts: faust, "Recipes").
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from streams.kafka.app import EmbeddedApp

_SENDER_STOP_S: Final = 3.0
_PUBLISHER_STOP_S: Final = 2.0

_log = structlog.get_logger()

Service = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What a worker consists of, built by bootstrap. `services` run until cancelled and may be cut at any point."""

    app: EmbeddedApp
    send: Service
    stop_sending: Callable[[], Awaitable[None]]
    publish: Service
    stop_publishing: Callable[[], Awaitable[None]]
    services: Sequence[Service]


async def run(parts: Running, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Work until `stop` is set. Raises what a part failed with; in either case all parts have been stopped."""
    tasks: list[asyncio.Task[object]] = []
    failed: BaseException | None = None
    try:
        starting = asyncio.ensure_future(_start(parts))
        tasks.append(starting)
        stopping = asyncio.ensure_future(stop.wait())
        tasks.append(stopping)
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            await starting
            tasks += [
                asyncio.ensure_future(_crash(parts.app)),
                asyncio.ensure_future(parts.send()),
                asyncio.ensure_future(parts.publish()),
                *(asyncio.ensure_future(service()) for service in parts.services),
            ]
            ready()
            done, _ = await asyncio.wait(tasks[1:], return_when=asyncio.FIRST_COMPLETED)
            failed = next((task.exception() for task in done if task is not stopping and task.exception()), None)
    except Exception as error:
        failed = error
    await _stop(parts, tasks)
    if failed is not None:
        raise failed


async def _start(parts: Running) -> None:
    await parts.app.start()
    await parts.app.wait_ready()


async def _crash(app: EmbeddedApp) -> None:
    raise await app.wait_crashed()


async def _stop(parts: Running, tasks: Sequence[asyncio.Task[object]]) -> None:
    await _within(parts.stop_sending(), _SENDER_STOP_S, "sender")
    await parts.app.stop()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=1.0)
    for task in tasks:
        if task.done() and not task.cancelled():
            task.exception()
    await _within(parts.stop_publishing(), _PUBLISHER_STOP_S, "publisher")


async def _within(work: Awaitable[object], seconds: float, what: str) -> None:
    """Never under asyncio.wait_for, which waits for a task that swallows its cancellation."""
    task = asyncio.ensure_future(work)
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        _log.warning("did not stop in time", reason=what)
        task.cancel()
        return
    with contextlib.suppress(Exception):
        if (error := task.exception()) is not None:
            _log.warning("stopped with an error", reason=what, error=repr(error))
