"""Interim."""

import asyncio
from streams.ledger import Ledger
from streams.metrics import MetricsRegistry


class Gauges:
    def __init__(self, ledger: Ledger, metrics: MetricsRegistry) -> None:
        self._ledger = ledger

    async def run(self) -> None:
        while True:
            await asyncio.sleep(10)
