"""Which ledger this is, and what must happen before one that was put back from a backup may send (design section 6)."""

import uuid
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from streams.clock import Clock
from streams.ledger import bulk, restored, tables
from streams.ledger.engine import Store
from streams.ledger.repeat import repeated

_ledger: Final = tables.ledger


class LedgerIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """`highest_call` is the highest call number that this ledger ever gave; `has_taken_in`: it is not new."""

    ledger_id: str
    created_at: datetime
    highest_call: int
    has_taken_in: bool


class Identity:
    """Says which ledger this is."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @repeated
    async def read(self) -> LedgerIdentity:
        """The ledger's id and its highest call number."""
        async with self._store.read() as connection:
            row = (await connection.execute(select(_ledger))).mappings().one()
            taken_in = (await connection.execute(select(tables.cursors.c.topic).limit(1))).first() is not None
        return LedgerIdentity(
            ledger_id=row["ledger_id"],
            created_at=row["created_at"],
            highest_call=row["last_call"],
            has_taken_in=taken_in,
        )

    @repeated
    async def restored(self, highest_call: int) -> int:
        """A backup was put back, and calls up to `highest_call` were made since: nothing is sent before it was looked
        for. How many commands that concerns by now; events that come again from Kafka are treated alike."""
        async with self._store.write() as connection:
            return await restored.begin(connection, self._clock.now(), highest_call)


async def ensure(connection: AsyncConnection, now: datetime) -> None:
    """Give a new ledger its id."""
    if (await connection.execute(select(func.count()).select_from(_ledger))).scalar() == 0:
        # An id that names this ledger and no other cannot be derived from anything.
        row: dict[str, Any] = {"singleton": 1, "ledger_id": str(uuid.uuid4()), "created_at": now, "last_call": 0}
        await bulk.insert(connection, _ledger, [row])
