"""A sandbox as a server: in-process for tests and the demo, or as a process of its own until it is stopped."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson
from aiohttp import web

from connectors.xero.sandbox.webhooks.posting import check_address


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run a sandbox as a process of its own. Raises ValueError for an address that webhooks cannot go to."""

    host: str = "127.0.0.1"
    port: int = 0
    webhooks_to: str = ""
    as_json: bool = False

    def __post_init__(self) -> None:
        if self.webhooks_to:
            check_address(self.webhooks_to)


@asynccontextmanager
async def serve(app: web.Application, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve until the block is left; yields the address. Port 0: a free one. Raises OSError when it is taken."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def serve_until_stopped(
    app: web.Application, options: Options, what: str, connect: Callable[[str], Mapping[str, str]]
) -> int:
    """Serve until SIGINT or SIGTERM, after saying how to connect to `what`; the exit code. Raises OSError."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        async with serve(app, options.host, options.port) as url:
            sys.stdout.write(_announcement(what, connect(url), as_json=options.as_json))
            sys.stdout.flush()
            await stop.wait()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    return 0


def _announcement(what: str, connect: Mapping[str, str], *, as_json: bool) -> str:
    if as_json:
        return orjson.dumps(connect).decode() + "\n"
    lines = [f"{what} of your own is running. Stop it with Ctrl-C.", ""]
    lines += [f"  {name.replace('_', ' '):<12} {value}" for name, value in connect.items() if value]
    return "\n".join(lines) + "\n"
