"""How a long-running verb runs: own loop, own logs, and a stop that works at any moment."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable

from streams import logs
from streams.cli.app import NOT_THERE, exit_code_of, say
from streams.settings import Settings

Work = Callable[[Settings, asyncio.Event], Awaitable[None]]


def until_stopped(settings: Settings, work: Work) -> None:
    """Run `work` until it ends or a SIGINT or SIGTERM sets the event it is given; then leave the process.

    It leaves by os._exit, because a library's thread that does not end must not keep a stopped worker alive.
    """
    logs.configure(settings.log_level, settings.log_format)
    code = asyncio.run(_run(settings, work))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


async def _run(settings: Settings, work: Work) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        await work(settings, stop)
    except Exception as error:
        code = exit_code_of(error)
        if code is None:
            logs.crashed(error)
            return NOT_THERE
        return say(str(error), code)
    return 0
