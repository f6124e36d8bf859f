"""The application on a port, for as long as it is wanted."""

import errno
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

_KEEPALIVE_S: Final = 75.0
_LINGERING_S: Final = 1.0


class StartError(OSError):
    """The port cannot be served; the text, without OSError's number before it, says why and what to do."""

    def __str__(self) -> str:
        return str(self.strerror)


@asynccontextmanager
async def serve(
    app: web.Application, host: str, port: int, *, shutdown_timeout_s: float = 20.0
) -> AsyncIterator[tuple[str, int]]:
    """Serves within the block and yields the address, with the real port where `port` is 0.

    At the end no new request is taken, and those in flight have `shutdown_timeout_s` to be answered.
    Raises StartError.
    """
    runner = web.AppRunner(
        app,
        access_log=None,  # guard.py writes a line without personal data
        logger=_protocol_log(),
        auto_decompress=False,  # compressed bodies are refused by reading.py, not unfolded
        handle_signals=False,
        keepalive_timeout=_KEEPALIVE_S,
        lingering_time=_LINGERING_S,
        shutdown_timeout=shutdown_timeout_s,
    )
    await runner.setup()
    try:
        await _start(runner, host, port)
        bound = runner.addresses[0]
        yield str(bound[0]), int(bound[1])
    finally:
        await runner.cleanup()


def _protocol_log() -> logging.Logger:
    """The logger for what fails below the application: broken HTTP and broken connections."""
    logger = logging.getLogger(__name__)
    logger.addFilter(_without_evidence)
    return logger


def _without_evidence(record: logging.LogRecord) -> bool:
    """aiohttp's line names the sender's address, and its traceback quotes what was sent: neither is ours to keep."""
    failed = record.exc_info[0] if record.exc_info else None
    record.msg, record.args = f"HTTP failed: {failed.__name__ if failed else 'unknown'}", ()
    record.exc_info = record.exc_text = None
    return True


async def _start(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise StartError(error.errno, _sentence(error, host, port)) from error


def _sentence(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return (
                f"port {port} of {host} is in use: stop what listens there (`ss -ltnp 'sport = :{port}'` names it), "
                "or choose another port"
            )
        case errno.EACCES:
            return f"port {port} of {host} needs more rights than this process has: choose one above 1023"
        case _:
            return f"{host}:{port} cannot be served ({error.strerror or error}): choose an address of this machine"
