"""Events that no rule knew when they came: taken up when a worker starts that knows them, or tenant files change."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from streams.core.tenants import Tenants
from streams.desk.retranslate import with_tenants
from streams.ledger import Ledger

_LOOK_S: Final = 1.0

_log = structlog.get_logger()


class TakingUp:
    """A service of the worker. `tenants` gives the files in force, `wake` tells the sender that there may be work."""

    def __init__(self, ledger: Ledger, tenants: Callable[[], Tenants], wake: Callable[[], None]) -> None:
        self._ledger = ledger
        self._tenants = tenants
        self._wake = wake
        self._version: str | None = None

    async def run(self) -> None:
        """Once at the start and once for each other version of the files, until cancelled. Raises what the ledger
        raises."""
        while True:
            await self.turn()
            await asyncio.sleep(_LOOK_S)

    async def turn(self) -> int:
        """How many events were taken up. Nothing happens while the same files are in force."""
        tenants = self._tenants()
        if tenants.version == self._version:
            return 0
        taken = await self._ledger.replays.retranslate_pending(with_tenants(tenants))
        self._version = tenants.version
        if taken:
            _log.info("events that waited for a rule were taken up", count=taken, config_version=tenants.version)
            self._wake()
        return taken
