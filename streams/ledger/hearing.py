"""What webhooks of Xero name, taken in: which documents are to be read, and whether deliveries are missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.commands import Heard
from streams.ledger import bulk, tables_hearing

_readings: Final = tables_hearing.readings
_hearing: Final = tables_hearing.hearing
_gaps: Final = tables_hearing.gaps

# Xero promises no order; what happened at nearly the same time may be numbered either way.
_MOMENT: Final = timedelta(seconds=5)
# A gap that begins with it is of no delivery: the webhook was made anew, and none told what happened before.
_ANEW: Final = 0


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


def missing(source: str, first: int, last: int) -> str:
    """What a gap stands for, as the reason to read what it could have told."""
    if first != _ANEW:
        return f"webhooks {first} to {last} of {source} did not come"
    lost = f", and the first {last} of it did not come" if last else ""
    return f"the webhook of {source} was made anew{lost}"


async def _count(connection: AsyncConnection, source: str, heard: Heard, now: datetime) -> None:
    """Xero numbers the events of a subscription through; what is left out did not come, or not yet.

    A webhook that is made anew in Xero begins again at 1. It is told from a delivery that comes late, or twice, by what
    it tells: that happened after all that the deliveries in order told, of which `heard_at` is the latest.
    """
    first, last = heard.first_sequence, heard.last_sequence
    row = (await connection.execute(select(_hearing).where(_hearing.c.source == source))).mappings().first()
    if row is None:
        new = {"source": source, "next_sequence": last + 1, "heard_at": _latest(heard, now)}
        await bulk.insert(connection, _hearing, [new])
        return
    is_anew = first < row["next_sequence"] and _happened_after(heard, row["heard_at"])
    if first < row["next_sequence"] and not is_anew:
        await _fill(connection, source, first, last)
        if last < row["next_sequence"]:
            return
    if is_anew:
        await _miss(connection, source, _ANEW, first - 1, await _drop(connection, source, row["heard_at"]), now)
    elif first > row["next_sequence"]:
        await _miss(connection, source, row["next_sequence"], first - 1, row["heard_at"], now)
    values = {"next_sequence": last + 1, "heard_at": _latest(heard, row["heard_at"])}
    await connection.execute(update(_hearing).where(_hearing.c.source == source).values(**values))


def _latest(heard: Heard, otherwise: datetime) -> datetime:
    """When the latest of it happened: a delivery may be taken in long after it came."""
    return max((one.at for one in heard.changes), default=otherwise)


def _happened_after(heard: Heard, heard_at: datetime) -> bool:
    return bool(heard.changes) and min(one.at for one in heard.changes) > heard_at + _MOMENT


async def _miss(
    connection: AsyncConnection, source: str, first: int, last: int, since: datetime, now: datetime
) -> None:
    gap = {"source": source, "first": first, "last": last, "since": since, "noticed_at": now}
    await bulk.insert_missing(connection, _gaps, [gap])


async def _drop(connection: AsyncConnection, source: str, heard_at: datetime) -> datetime:
    """Nothing fills the gaps of a webhook that is no more; since when there is something to be read in their place."""
    mine = _gaps.c.source == source
    oldest = (await connection.execute(select(func.min(_gaps.c.since)).where(mine))).scalar()
    await connection.execute(delete(_gaps).where(mine))
    return heard_at if oldest is None else min(oldest, heard_at)


async def _fill(connection: AsyncConnection, source: str, first: int, last: int) -> None:
    """A delivery that comes late, or again, fills what of a gap it covers."""
    covered = (_gaps.c.source == source, _gaps.c.first <= last, _gaps.c.last >= first)
    for row in (await connection.execute(select(_gaps).where(*covered))).mappings().all():
        await connection.execute(delete(_gaps).where(_gaps.c.source == source, _gaps.c.first == row["first"]))
        rest = [(row["first"], first - 1), (last + 1, row["last"])]
        left = [{**row, "first": begin, "last": end} for begin, end in rest if begin <= end]
        await bulk.insert(connection, _gaps, left)
