"""What the ledger knows already of the records of a run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.commands import CommandRecord
from streams.ledger import tables
from streams.ledger.letters import record_subject
from streams.ledger.rows import chunks


class Position(NamedTuple):
    """Where a record lies in Kafka; the topic is named without prefix."""

    topic: str
    partition: int
    offset: int


class KnownEvent(NamedTuple):
    """A row of `events`."""

    digest: str | None
    position: Position


@dataclass(slots=True)
class Known:
    """`letters` are the subjects of records that were refused; `open_letters` those of events not mended yet."""

    events: dict[str, KnownEvent] = field(default_factory=dict)
    taken: set[Position] = field(default_factory=set)
    duplicates: set[Position] = field(default_factory=set)
    letters: set[str] = field(default_factory=set)
    open_letters: dict[str, list[str]] = field(default_factory=dict)


_events: Final = tables.events.c
_duplicates: Final = tables.duplicates.c
_letters: Final = tables.dead_letters.c


def position_of(record: CommandRecord) -> Position:
    """The source record's position."""
    return Position(record.topic, record.partition, record.offset)


def key_of(record: CommandRecord) -> str:
    """The event key; a record of `raw` that tells no event is known by its position."""
    return record.event_key or record_subject(record.topic, record.partition, record.offset)


async def load(connection: AsyncConnection, records: Sequence[CommandRecord]) -> Known:
    """Everything known of these records, in a few statements."""
    known = Known()
    for keys in chunks(key_of(record) for record in records):
        columns = (_events.event_key, _events.digest, _events.topic, _events.partition, _events.offset)
        for key, digest, *where in await connection.execute(select(*columns).where(_events.event_key.in_(keys))):
            known.events[key] = KnownEvent(digest, Position(*where))
        open_ones = select(_letters.event_key, _letters.subject).where(
            _letters.event_key.in_(keys), _letters.command_id.is_(None), _letters.state == "open"
        )
        for key, subject in await connection.execute(open_ones):
            known.open_letters.setdefault(key, []).append(subject)
    for some in chunks(position_of(record) for record in records):
        for table, found in ((_events, known.taken), (_duplicates, known.duplicates)):
            where_ = tuple_(table.topic, table.partition, table.offset)
            rows = await connection.execute(select(table.topic, table.partition, table.offset).where(where_.in_(some)))
            found.update(Position(*row) for row in rows)
    for subjects in chunks(record_subject(*position_of(record)) for record in records):
        rows = await connection.execute(select(_letters.subject).where(_letters.subject.in_(subjects)))
        known.letters.update(row[0] for row in rows)
    return known
