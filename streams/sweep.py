"""The sweep: each minute every pending command is looked at anew, which shows that no promotion was missed."""

import asyncio
from typing import Final

import structlog

from streams.ledger import Ledger

_EVERY_S: Final = 60.0

_log = structlog.get_logger()


class Sweep:
    """A service of the worker."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def run(self) -> None:
        """Once a minute, until cancelled. Raises what the ledger raises."""
        while True:
            await asyncio.sleep(_EVERY_S)
            mended = await self._ledger.sweep()
            if mended:
                _log.error("commands were ready and nobody knew", count=mended)
