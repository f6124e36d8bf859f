"""Stops: what may not send, and why. Intake goes on; planning leaves out what a stop covers (design section 6)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from streams.clock import Clock
from streams.core import results
from streams.ledger import bulk, tables, transitions
from streams.ledger.engine import Store
from streams.ledger.repeat import repeated
from streams.ledger.transitions import Why

_stops: Final = tables.stops


class StopRow(msgspec.Struct, frozen=True, kw_only=True):
    """A stop. Without tenant and source it covers everything; `cause` is None for one that a person made."""

    scope: str
    tenant: str | None
    source: str | None
    reason: str
    cause: str | None
    remedy: str | None
    actor: str
    since: datetime


class Stops:
    """Sets, lists and lifts stops."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @repeated
    async def add(
        self,
        *,
        tenant: str | None,
        source: str | None = None,
        reason: str,
        actor: str,
        cause: str | None = None,
        remedy: str | None = None,
    ) -> None:
        """Stop a scope; one that is stopped already keeps its first reason."""
        async with self._store.write() as connection:
            await _add(
                connection, self._clock.now(), tenant, source, Why(actor=actor, reason=reason, cause=cause), remedy
            )

    @repeated
    async def lift(self, *, tenant: str | None, source: str | None = None, actor: str) -> bool:
        """Let a scope send again; False where it was not stopped."""
        scope = _scope(tenant, source)
        async with self._store.write() as connection:
            lifted = await connection.execute(delete(_stops).where(_stops.c.scope == scope))
            if lifted.rowcount:
                await _note(connection, self._clock.now(), scope, tenant, "resumed", Why(actor=actor))
        return bool(lifted.rowcount)

    @repeated
    async def list(self) -> Sequence[StopRow]:
        """What is stopped now, oldest first."""
        async with self._store.read() as connection:
            rows = await connection.execute(select(_stops).order_by(_stops.c.since))
            return [StopRow(**row) for row in rows.mappings()]


async def add_for_tenant(connection: AsyncConnection, tenant: str, stop: results.Stop, now: datetime) -> None:
    """Stop a tenant because of what Xero answered."""
    why = Why(reason=stop.evidence.message, cause=stop.cause)
    await _add(connection, now, tenant, None, why, stop.evidence.remedy)


def for_scope(remedy: str | None, tenant: str | None, source: str | None = None) -> str | None:
    """A remedy whose `ledgerstream resume` names what is stopped, so that it can be typed as it is printed."""
    named = [f" --{name} {value}" for name, value in (("tenant", tenant), ("source", source)) if value is not None]
    return remedy and remedy.replace("`ledgerstream resume`", f"`ledgerstream resume{''.join(named)}`")


def _scope(tenant: str | None, source: str | None) -> str:
    return f"{tenant or '*'}/{source or '*'}"


async def _add(
    connection: AsyncConnection, now: datetime, tenant: str | None, source: str | None, why: Why, remedy: str | None
) -> None:
    scope = _scope(tenant, source)
    row = StopRow(
        scope=scope,
        tenant=tenant,
        source=source,
        reason=why.reason or "no reason given",
        cause=why.cause,
        remedy=for_scope(remedy, tenant, source),
        actor=why.actor,
        since=now,
    )
    if await bulk.insert_if_missing(connection, _stops, msgspec.structs.asdict(row)):
        await _note(connection, now, scope, tenant, "stopped", why)


async def _note(connection: AsyncConnection, now: datetime, scope: str, tenant: str | None, to: str, why: Why) -> None:
    subject = f"stop:{scope}"
    row = transitions.of_subject(subject, await transitions.next_number(connection, subject), subject, to, now, why)
    await transitions.write(connection, [{**row, "tenant": tenant}])
