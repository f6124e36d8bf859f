"""Interim."""

from connectors.base import StatusUnavailable
from schemas.status import EventStatus
from streams.ledger import Ledger


class LedgerStatus:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def of_event(self, source: str, id: str) -> EventStatus | None:
        raise StatusUnavailable
