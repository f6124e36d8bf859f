"""What the ledger knows already of the records of a run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.commands import CommandRecord, RefusedEvent
from streams.ledger import tables
from streams.ledger.among import among
from streams.ledger.letters import failure_of, record_subject
from streams.ledger.rows import chunks, grouped


class Position(NamedTuple):
    """Where a record lies in Kafka; the topic is named without prefix."""

    topic: str
    partition: int
    offset: int


class KnownEvent(NamedTuple):
    """A row of `events`."""

    digest: str | None
    position: Position


class RefusedState(NamedTuple):
    """An open dead letter of a record that told of an entity, and its place among what is told of that entity."""

    subject: str
    sequence: int


@dataclass(slots=True)
class Known:
    """`letters` are the subjects of records that were refused, `failures` what they were refused for; `open_letters`
    those of events not mended yet, by event key and by failure, and `refused_states` by entity key. `newest_state` is
    the sequence of an entity's newest state, for entities of records that are refused now. `restored_at`: when a
    backup was put back."""

    events: dict[str, KnownEvent] = field(default_factory=dict)
    taken: set[Position] = field(default_factory=set)
    duplicates: set[Position] = field(default_factory=set)
    letters: set[str] = field(default_factory=set)
    failures: set[str] = field(default_factory=set)
    open_letters: dict[str, list[str]] = field(default_factory=dict)
    refused_states: dict[str, list[RefusedState]] = field(default_factory=dict)
    newest_state: dict[str, int] = field(default_factory=dict)
    restored_at: datetime | None = None


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
    if not records:
        return known
    known.restored_at = (await connection.execute(select(tables.ledger.c.restored_at))).scalar()
    await _load_states(connection, records, known)
    for keys in chunks(key_of(record) for record in records):
        columns = (_events.event_key, _events.digest, _events.topic, _events.partition, _events.offset)
        for key, digest, *where in await connection.execute(select(*columns).where(among(_events.event_key, keys))):
            known.events[key] = KnownEvent(digest, Position(*where))
        open_ones = select(_letters.event_key, _letters.subject).where(
            among(_letters.event_key, keys), _letters.command_id.is_(None), _letters.state == "open"
        )
        for key, subject in await connection.execute(open_ones):
            known.open_letters.setdefault(key, []).append(subject)
    await _load_failures(connection, records, known)
    for topic, partition, offsets in grouped(position_of(record) for record in records):
        for table, found in ((_events, known.taken), (_duplicates, known.duplicates)):
            there = select(table.offset).where(
                table.topic == topic, table.partition == partition, table.offset.in_(offsets)
            )
            found.update(Position(topic, partition, row[0]) for row in await connection.execute(there))
    for subjects in chunks(record_subject(*position_of(record)) for record in records):
        rows = await connection.execute(select(_letters.subject).where(among(_letters.subject, subjects)))
        known.letters.update(row[0] for row in rows)
    return known


async def _load_failures(connection: AsyncConnection, records: Sequence[CommandRecord], known: Known) -> None:
    """Which failures were told before, and the letters that what is told well now closes."""
    for failures in chunks(failure_of(record) for record in records):
        columns = (_letters.failure, _letters.subject, _letters.state)
        found = select(*columns).where(among(_letters.failure, failures))
        for failure, subject, state in await connection.execute(found):
            known.failures.add(failure)
            if state == "open":
                known.open_letters.setdefault(failure, []).append(subject)


async def _load_states(connection: AsyncConnection, records: Sequence[CommandRecord], known: Known) -> None:
    """Which refused records told of the same entities, and what newer is known of the entities refused now."""
    for entities in chunks(record.entity_key for record in records if record.entity_key is not None):
        letters = select(_letters.entity_key, _letters.subject, _letters.sequence).where(
            among(_letters.entity_key, entities),
            _letters.command_id.is_(None),
            _letters.state == "open",
            _letters.sequence.is_not(None),
        )
        for entity, subject, sequence in await connection.execute(letters):
            known.refused_states.setdefault(entity, []).append(RefusedState(subject, sequence))
    refused = [
        one.entity_key for one in records if isinstance(one.outcome, RefusedEvent) and one.entity_key is not None
    ]
    commands = tables.commands.c
    for entities in chunks(refused):
        newest = (
            select(commands.entity_key, func.max(commands.sequence))
            # A credit note may have been told without its money, which what is refused tells.
            .where(
                among(commands.entity_key, entities),
                commands.sequence.is_not(None),
                commands.kind != "UpsertCreditNote",
            )
            .group_by(commands.entity_key)
        )
        known.newest_state |= {row[0]: row[1] for row in await connection.execute(newest)}
