"""The sweep: each minute every pending command is looked at anew, which shows that no promotion was missed; and what
webhooks of Xero that never came could have told is asked for."""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from streams.ledger import Ledger
from streams.ledger.listening import Organisation
from streams.metrics_hearing import HearingMetrics

_EVERY_S: Final = 60.0

_log = structlog.get_logger()


class Sweep:
    """A service of the worker."""

    def __init__(self, ledger: Ledger, metrics: HearingMetrics, listened: Sequence[Organisation]) -> None:
        self._ledger = ledger
        self._metrics = metrics
        self._listened = listened
        self._sources: dict[str, list[str]] = {}
        for one in listened:
            self._sources.setdefault(one.source, []).append(one.tenant)
        metrics.watch_webhooks(tuple(self._sources))

    async def run(self) -> None:
        """Once a minute, until cancelled. Raises what the ledger raises."""
        while True:
            await asyncio.sleep(_EVERY_S)
            mended = await self._ledger.sweep()
            if mended:
                _log.error("commands were ready and nobody knew", count=mended)
            if self._sources:
                await self._hear()

    async def _hear(self) -> None:
        for source, gaps in (await self._ledger.listening.gaps(self._sources)).items():
            self._metrics.gaps(source, gaps)
            _log.warning("webhooks did not come: what changed is read", source=source, count=gaps)
        await self._ledger.listening.forget_strangers([one.xero_tenant_id for one in self._listened])
