"""What was asked of Xero for a command: the element within its last call."""

from typing import Any

from sqlalchemy import select

from streams.ledger import tables
from streams.ledger.engine import Store
from streams.ledger.repeat import repeated


class Elements:
    """Reads elements of calls."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @repeated
    async def last_of(self, command_id: str) -> Any:
        """The element of the command's last write as JSON; None where nothing was sent for it yet."""
        writes = tables.writes.c
        statement = select(writes.element).where(writes.command_id == command_id).order_by(writes.call.desc()).limit(1)
        async with self._store.read() as connection:
            return (await connection.execute(statement)).scalar()
