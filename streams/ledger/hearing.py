"""What webhooks of Xero name, taken in: which documents are to be read, and whether deliveries are missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.commands import Heard
from streams.ledger import bulk, tables_hearing

_readings: Final = tables_hearing.readings
_hearing: Final = tables_hearing.hearing
_gaps: Final = tables_hearing.gaps


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A document that is to be read, because it changed at a time of Xero's."""

    xero_tenant_id: str
    resource: str
    xero_id: str
    changed_at: datetime


async def note(connection: AsyncConnection, source: str, heard: Heard, now: datetime) -> None:
    """Take one delivery in. Deliveries come late, twice, and in another order; each only adds to what is to be read.

    The caller has the turn (`locks.take_turn`), so nobody else takes deliveries in meanwhile.
    """
    names = [
        Named(xero_tenant_id=one.xero_tenant_id, resource=one.resource, xero_id=one.xero_id, changed_at=one.at)
        for one in heard.changes
    ]
    await to_be_read(connection, names, now)
    await _count(connection, source, heard, now)


async def to_be_read(connection: AsyncConnection, names: Sequence[Named], now: datetime) -> None:
    """Let documents be read again; of one that waits already the earliest `since` stays."""
    latest: dict[tuple[str, str, str], Named] = {}
    for one in names:
        key = (one.xero_tenant_id.lower(), one.resource, one.xero_id.lower())
        if key not in latest or latest[key].changed_at < one.changed_at:
            latest[key] = one
    if not latest:
        return
    rows = [
        {
            "xero_tenant_id": tenant,
            "resource": resource,
            "xero_id": xero_id,
            "changed_at": one.changed_at,
            "since": now,
            "heard_at": now,
        }
        for (tenant, resource, xero_id), one in sorted(latest.items())
    ]
    statement: Any = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(_readings)
    new = statement.excluded
    changed_at = case((new.changed_at > _readings.c.changed_at, new.changed_at), else_=_readings.c.changed_at)
    statement = statement.on_conflict_do_update(
        index_elements=["xero_tenant_id", "resource", "xero_id"],
        set_={"changed_at": changed_at, "heard_at": new.heard_at},
    )
    await connection.execute(statement, rows)


async def _count(connection: AsyncConnection, source: str, heard: Heard, now: datetime) -> None:
    """Xero numbers the events of a subscription through; what is left out did not come, or not yet."""
    first, last = heard.first_sequence, heard.last_sequence
    row = (await connection.execute(select(_hearing).where(_hearing.c.source == source))).mappings().first()
    if row is None:
        await bulk.insert(connection, _hearing, [{"source": source, "next_sequence": last + 1, "heard_at": now}])
        return
    if first > row["next_sequence"]:
        gap = {
            "source": source,
            "first": row["next_sequence"],
            "last": first - 1,
            "since": row["heard_at"],
            "noticed_at": now,
        }
        await bulk.insert_missing(connection, _gaps, [gap])
    else:
        await _fill(connection, source, first, last)
    values = {"next_sequence": max(row["next_sequence"], last + 1), "heard_at": now}
    await connection.execute(update(_hearing).where(_hearing.c.source == source).values(**values))


async def _fill(connection: AsyncConnection, source: str, first: int, last: int) -> None:
    """A delivery that comes late, or again, fills what of a gap it covers."""
    covered = (_gaps.c.source == source, _gaps.c.first <= last, _gaps.c.last >= first)
    for row in (await connection.execute(select(_gaps).where(*covered))).mappings().all():
        await connection.execute(delete(_gaps).where(_gaps.c.source == source, _gaps.c.first == row["first"]))
        rest = [(row["first"], first - 1), (last + 1, row["last"])]
        left = [{**row, "first": begin, "last": end} for begin, end in rest if begin <= end]
        await bulk.insert(connection, _gaps, left)
