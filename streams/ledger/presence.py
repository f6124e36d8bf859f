"""Which workers there are: each says every few seconds that it is there, beside the leases of the tenants."""

from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from streams.clock import Clock
from streams.ledger import bulk, tables
from streams.ledger.engine import Store
from streams.ledger.repeat import repeated

# No tenant is called so: tenants have the names of files.
_PREFIX: Final = "*worker*"
# One that was not heard of for so long is not counted any more.
SILENT_S: Final = 15.0
_KEPT: Final = timedelta(hours=1)

_leases: Final = tables.leases


class Presence:
    """Counts workers."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @repeated
    async def beat(self, owner: str) -> int:
        """Say that `owner` is there; how many workers are."""
        now = self._clock.now()
        row = {
            "tenant": f"{_PREFIX}{owner}",
            "owner": owner,
            "fence": 1,
            "expires_at": now + timedelta(seconds=SILENT_S),
            "renewed_at": now,
            "taken_at": now,
        }
        async with self._store.write() as connection:
            await bulk.upsert(connection, _leases, [row])
            await _forget(connection, _leases.c.expires_at < now - _KEPT)
            here = select(func.count()).select_from(_leases).where(_is_worker(), _leases.c.expires_at > now)
            return int((await connection.execute(here)).scalar_one())

    @repeated
    async def leave(self, owner: str) -> None:
        """Say that `owner` ends, so that the others share its tenants at once."""
        async with self._store.write() as connection:
            await _forget(connection, _leases.c.tenant == f"{_PREFIX}{owner}")


def _is_worker() -> ColumnElement[bool]:
    return _leases.c.tenant.startswith(_PREFIX, autoescape=True)


async def _forget(connection: AsyncConnection, which: ColumnElement[bool]) -> None:
    await connection.execute(delete(_leases).where(_is_worker(), which))
