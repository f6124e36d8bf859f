"""Which events came to an end with some transitions: what the metrics count of events, each end once.

The outbox is the place to count at: whatever happened passes through it once, whichever worker it happened in.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.states import CommandState, Disposition, disposition_of
from streams.ledger import tables
from streams.ledger.engine import Store
from streams.ledger.publishing import Unpublished
from streams.ledger.repeat import repeated
from streams.ledger.rows import chunks

_transitions: Final = tables.transitions.c
_events: Final = tables.events.c
_letters: Final = tables.dead_letters.c
# What is no command ends by itself: a record that was refused, an event that was ignored.
_ALONE: Final[Mapping[str, Disposition]] = {
    "rejected": "dead_lettered",
    "discarded": "discarded",
    "ignored": "ignored",
}


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """An event that came to `disposition`; `type` and `time` None where its record could not be read."""

    source: str | None
    type: str | None
    time: datetime | None
    disposition: Disposition


class Ends:
    """Reads the ends."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @repeated
    async def reached(self, batch: Sequence[Unpublished]) -> Sequence[Ended]:
        """The ends that events came to with this batch of the outbox, which is not marked as published yet.

        `waiting` is none. A dead letter that is mended and booked comes to an end twice. Raises LedgerUnavailable.
        """
        alone = [one for one in batch if one.outcome.kind is None and one.outcome.to_state in _ALONE]
        keys = {one.outcome.event_key for one in batch if one.outcome.kind is not None and one.outcome.event_key}
        async with self._store.read() as connection:
            found = await _told(connection, keys, {one.transition for one in batch})
            events = await _events_of(connection, [*found, *(one.outcome.subject for one in alone)])
            records = await _records_of(connection, [one.outcome.subject for one in alone])
        ends = [(events.get(key), disposition) for key, disposition in found.items()]
        for one in alone:
            about = records.get(one.outcome.subject) or events.get(one.outcome.subject)
            ends.append((about, _ALONE[one.outcome.to_state]))
        return [
            Ended(source=about[0], type=about[1], time=about[2], disposition=disposition)
            for about, disposition in ends
            if about is not None
        ]


async def _told(connection: AsyncConnection, keys: set[str], batch: set[int]) -> dict[str, Disposition]:
    """The new disposition of each event whose commands came to one with the batch."""
    histories: dict[str, list[Any]] = {}
    for some in chunks(keys):
        statement = (
            select(_transitions.id, _transitions.event_key, _transitions.subject, _transitions.to_state)
            .add_columns(_transitions.published_at.is_(None))
            .where(_transitions.event_key.in_(some), _transitions.kind.is_not(None))
            .order_by(_transitions.id)
        )
        for row in await connection.execute(statement):
            histories.setdefault(row[1], []).append(row)
    return dict(_changed(histories, batch))


def _changed(histories: Mapping[str, Sequence[Any]], batch: set[int]) -> Iterator[tuple[str, Disposition]]:
    for key, history in histories.items():
        # A command that a later batch tells of is under way.
        before: dict[str, CommandState] = {row.subject: "pending" for row in history}
        after = dict(before)
        for identifier, _, subject, state, is_unpublished in history:
            if not is_unpublished:
                before[subject] = state
            if not is_unpublished or identifier in batch:
                after[subject] = state
        now = disposition_of(list(after.values()))
        if now not in ("waiting", disposition_of(list(before.values()))):
            yield key, now


async def _events_of(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for some in chunks(keys):
        statement = select(_events.event_key, _events.source, _events.type, _events.time)
        for key, *about in await connection.execute(statement.where(_events.event_key.in_(some))):
            found[key] = about
    return found


async def _records_of(connection: AsyncConnection, subjects: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for some in chunks(subjects):
        statement = select(_letters.subject, _letters.source, _letters.kind, _letters.event_time)
        for subject, *about in await connection.execute(statement.where(_letters.subject.in_(some))):
            found[subject] = about
    return found
