"""The audit of `raw`: what became of the requests of sources, which have a row only where they told no event."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from streams.ledger import tables
from streams.ledger.audit import ReadRecord, positions
from streams.ledger.engine import Store
from streams.ledger.letters import RAW, trace_id
from streams.ledger.repeat import repeated
from streams.ledger.rows import chunks

_events: Final = tables.events.c
_letters: Final = tables.dead_letters.c


class RawRead(NamedTuple):
    """A record of `raw` read again. `event_keys` are those of the events that it tells today; none where it tells none,
    and then `reason` says why.

    `is_part`: it tells events and others beside them that do not fit, so it has two ends, one of each kind: the events,
    and a row of its own."""

    partition: int
    offset: int
    source: str
    traceparent: str | None
    event_keys: tuple[str, ...]
    reason: str
    is_part: bool = False


class RawAudit:
    """Audits `raw`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @repeated
    async def unknown(self, records: Sequence[RawRead]) -> Sequence[RawRead]:
        """Those of the records whose end is not in the ledger, with those of their events that it does not know.

        An end is a row of the record's own, or all its events; of a part, it is what that part is. Where it tells none
        today, and rules or files may have changed since, it is an event of the same source and trace as well. Raises
        LedgerUnavailable.
        """
        async with self._store.read() as connection:
            places = [ReadRecord(RAW, one.partition, one.offset, None, None) for one in records]
            own = await positions(connection, places)
            left = [one for one in records if _needs_events(one) or (RAW, one.partition, one.offset) not in own]
            known = await _known(connection, [key for one in left for key in one.event_keys])
            telling = [one for one in left if one.event_keys and not known.issuperset(one.event_keys)]
            silent = [one for one in left if not one.event_keys]
            traced = await _traced(connection, silent)
        return [
            *(one._replace(event_keys=tuple(key for key in one.event_keys if key not in known)) for one in telling),
            *(one for one in silent if one.is_part or (one.source, trace_id(one.traceparent)) not in traced),
        ]


def _needs_events(one: RawRead) -> bool:
    return one.is_part and bool(one.event_keys)


async def _known(connection: AsyncConnection, keys: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for some in chunks(keys):
        for column in (_events.event_key, _letters.event_key):
            found |= {row[0] for row in await connection.execute(select(column).where(column.in_(some)))}
    return found


async def _traced(connection: AsyncConnection, records: Sequence[RawRead]) -> set[tuple[str | None, str | None]]:
    """Source and trace id of the events and dead letters that have a trace of these records."""
    found: set[tuple[str | None, str | None]] = set()
    for some in chunks(one.traceparent for one in records if one.traceparent is not None):
        events = select(_events.source, _events.traceparent).where(_events.traceparent.in_(some))
        letters = select(_letters.source, _letters.trace_id).where(_letters.trace_id.in_(map(trace_id, some)))
        found |= {(row[0], trace_id(row[1])) for row in await connection.execute(events)}
        found |= {(row[0], row[1]) for row in await connection.execute(letters)}
    return found
