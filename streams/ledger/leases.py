"""Leases: one worker at a time sends for a tenant; a fencing token refuses the writes of one that lost it.

Leases go by the ledger's time. A worker measures its own lease by a clock that nobody sets (CLOCK_BOOTTIME), from the
moment before it asked, so that it always ends a little earlier for its owner than for those who wait.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import case, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from streams.clock import STEP_S, Clock
from streams.ledger import bulk, tables
from streams.ledger.engine import Store
from streams.ledger.errors import FenceLost
from streams.ledger.repeat import repeated

# The owner of a lease that was given back.
_NOBODY: Final = ""

_leases: Final = tables.leases
_calls: Final = tables.calls


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

    @repeated
    async def acquire(self, tenant: str, owner: str, ttl_s: float, left_over_s: float = 0.0) -> Lease | None:
        """The lease, taken or prolonged for `ttl_s`; None while another owner holds it.

        One that is not ours is only taken when it has been free for `left_over_s`.
        """
        now = self._clock.now()
        free_since = now - timedelta(seconds=left_over_s)
        if await self._is_held_by_another(tenant, owner, free_since):
            return None
        async with self._store.write() as connection:
            row = await _locked(connection, tenant, owner, now)
            if row["owner"] != owner and row["expires_at"] > free_since:
                return None
            is_set_back = row["renewed_at"] is not None and row["renewed_at"] > now + timedelta(seconds=STEP_S)
            taken = row["owner"] != owner or is_set_back
            if is_set_back:
                # Nobody knows how old the keys of open calls are.
                await _doubt(connection, [tenant], now + timedelta(seconds=2 * ttl_s))
            values = {
                "owner": owner,
                "fence": row["fence"] + taken,
                "expires_at": now + timedelta(seconds=ttl_s),
                "renewed_at": now,
                "taken_at": now if taken else row["taken_at"],
            }
            await connection.execute(update(_leases).where(_leases.c.tenant == tenant).values(**values))
        return Lease(tenant=tenant, owner=owner, fence=row["fence"] + taken, expires_at=values["expires_at"])

    @repeated
    async def held_by_others(self, owner: str) -> frozenset[str]:
        """The tenants whose leases others hold now: all of them in one look, so that waiting for one costs nothing."""
        statement = select(_leases.c.tenant).where(_leases.c.owner != owner, _leases.c.expires_at > self._clock.now())
        async with self._store.read() as connection:
            return frozenset(row[0] for row in await connection.execute(statement))

    @repeated
    async def release(self, lease: Lease) -> None:
        """Let another owner take over at once; nothing happens if one has."""
        now = self._clock.now()
        async with self._store.write() as connection:
            await connection.execute(
                update(_leases)
                .where(_leases.c.tenant == lease.tenant, _leases.c.fence == lease.fence)
                .values(owner=_NOBODY, expires_at=now, renewed_at=now)
            )

    @repeated
    async def clock_was_set(self, owner: str, to: datetime, look_after_s: float) -> None:
        """The ledger's time was set to `to`, forward or back, so the ages of calls are not what they seem.

        All leases of `owner` get a new fence, and the open calls of their tenants are not sent again any more: they are
        looked for, after `look_after_s`.
        """
        async with self._store.write() as connection:
            mine = select(_leases.c.tenant).where(_leases.c.owner == owner).order_by(_leases.c.tenant)
            rows = await connection.execute(mine.with_for_update(key_share=True))
            tenants = [row[0] for row in rows]
            await connection.execute(
                update(_leases).where(_leases.c.owner == owner).values(fence=_leases.c.fence + 1, renewed_at=to)
            )
            await _doubt(connection, tenants, to + timedelta(seconds=look_after_s))

    async def _is_held_by_another(self, tenant: str, owner: str, free_since: datetime) -> bool:
        """Those who wait only read, and lock nothing."""
        statement = select(_leases.c.tenant).where(
            _leases.c.tenant == tenant, _leases.c.owner != owner, _leases.c.expires_at > free_since
        )
        async with self._store.read() as connection:
            return (await connection.execute(statement)).first() is not None


async def check(connection: AsyncConnection, tenant: str, fence: int) -> None:
    """FenceLost unless `fence` is still the tenant's; locks the lease, so it stays so until the transaction ends.

    The lock also puts what is written for one tenant in a row: two results that set one command free together would
    else each miss the other.
    """
    statement = (
        select(_leases.c.fence, _leases.c.owner).where(_leases.c.tenant == tenant).with_for_update(key_share=True)
    )
    row = (await connection.execute(statement)).first()
    if row is None or row[0] != fence:
        holder = "nobody" if row is None else f"{row[1] or 'nobody'} (fence {row[0]})"
        raise FenceLost(f"tenant {tenant}: this worker's fence is {fence}, the lease is held by {holder}")


async def _locked(connection: AsyncConnection, tenant: str, owner: str, now: datetime) -> Any:
    """The tenant's row, locked; one that was not there is the owner's, and has expired."""
    new = {"tenant": tenant, "owner": owner, "fence": 1, "expires_at": now, "renewed_at": now, "taken_at": now}
    await bulk.insert_missing(connection, _leases, [new])
    statement = select(_leases).where(_leases.c.tenant == tenant).with_for_update(key_share=True)
    return (await connection.execute(statement)).mappings().one()


async def _doubt(connection: AsyncConnection, tenants: list[str], look_at: datetime) -> None:
    looks = case((_calls.c.looks == 0, 1), else_=_calls.c.looks)
    open_ = (_calls.c.tenant.in_(tenants), _calls.c.state == "open", _calls.c.purpose == "write")
    await connection.execute(update(_calls).where(*open_).values(looks=looks, next_look_at=look_at))
