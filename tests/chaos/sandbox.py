"""Xero's sandbox on the time of a chaos run. `python -m tests.chaos.sandbox CLOCK`; prints how to connect as JSON."""

import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from connectors.xero.sandbox import Sandbox
from tests.chaos.clock import ChaosClock


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM."""
    [path] = sys.argv[1:] if arguments is None else arguments
    # The time of day of Xero's machines does not step.
    asyncio.run(_serve(Sandbox(clock=ChaosClock(Path(path), steps=False))))


async def _serve(sandbox: Sandbox) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with sandbox.serve() as address:
        sys.stdout.write(json.dumps(sandbox.describe(address)) + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    main()
