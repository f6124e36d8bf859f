"""Leases: one worker at a time sends for a tenant; a fencing token refuses the writes of one that lost it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from streams.clock import Clock
from streams.ledger import bulk, tables
from streams.ledger.engine import Store
from streams.ledger.errors import FenceLost

_leases: Final = tables.leases


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to send for a tenant until `expires_at`; `fence` grows with every new owner."""

    tenant: str
    owner: str
    fence: int
    expires_at: datetime


class Leases:
    """Takes, keeps and gives back leases."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def acquire(self, tenant: str, owner: str, ttl_s: float) -> Lease | None:
        """The lease, taken or prolonged for `ttl_s`; None while another owner holds it."""
        now = self._clock.now()
        expires = now + timedelta(seconds=ttl_s)
        async with self._store.write() as connection:
            new = {"tenant": tenant, "owner": owner, "fence": 1, "expires_at": expires}
            await bulk.insert_missing(connection, _leases, [new])
            statement = select(_leases).where(_leases.c.tenant == tenant).with_for_update()
            row = (await connection.execute(statement)).mappings().one()
            if row["owner"] != owner and row["expires_at"] > now:
                return None
            fence = row["fence"] + (row["owner"] != owner)
            await connection.execute(
                update(_leases).where(_leases.c.tenant == tenant).values(owner=owner, fence=fence, expires_at=expires)
            )
        return Lease(tenant=tenant, owner=owner, fence=fence, expires_at=expires)

    async def release(self, lease: Lease) -> None:
        """Let another owner take over at once; nothing happens if one has."""
        async with self._store.write() as connection:
            await connection.execute(
                update(_leases)
                .where(_leases.c.tenant == lease.tenant, _leases.c.fence == lease.fence)
                .values(expires_at=self._clock.now())
            )


async def check(connection: AsyncConnection, tenant: str, fence: int) -> None:
    """FenceLost unless `fence` is still the tenant's; locks the lease, so it stays so until the transaction ends."""
    statement = select(_leases.c.fence, _leases.c.owner).where(_leases.c.tenant == tenant).with_for_update()
    row = (await connection.execute(statement)).first()
    if row is None or row[0] != fence:
        holder = "nobody" if row is None else f"{row[1]} (fence {row[0]})"
        raise FenceLost(f"tenant {tenant}: this worker's fence is {fence}, the lease is held by {holder}")
