"""What became of an event, for producers that ask the receiver."""

from connectors.base import StatusUnavailable
from schemas.status import EventStatus
from streams.ledger import Ledger
from streams.ledger.errors import LedgerError


class LedgerStatus:
    """Asks the ledger (connectors.base.Status)."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def of_event(self, source: str, id: str) -> EventStatus | None:
        """None while the ledger does not know the event. Raises StatusUnavailable."""
        try:
            return await self._ledger.status.of_event(source, id)
        except LedgerError as error:
            raise StatusUnavailable(str(error)) from error
