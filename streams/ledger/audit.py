"""The audit: nothing lost (G1), counted two ways, and every rule of the ledger that a row could break."""

from collections.abc import AsyncIterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Select, and_, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.states import Disposition
from streams.clock import Clock
from streams.ledger import dispositions, tables, waits
from streams.ledger.engine import Store
from streams.ledger.ready import PENDING
from streams.ledger.repeat import repeated

_events: Final = tables.events
_duplicates: Final = tables.duplicates
_letters: Final = tables.dead_letters
_commands: Final = tables.commands
_effects: Final = tables.effects
_cursors: Final = tables.cursors
_WAITING_MAX: Final = 20_000
_READ_BATCH: Final = 500


class TopicCount(msgspec.Struct, frozen=True, kw_only=True):
    """The equation of one topic partition: records = events + duplicates + refused."""

    topic: str
    partition: int
    next_offset: int
    records: int
    events: int
    duplicates: int
    refused: int

    @property
    def balanced(self) -> bool:
        return self.records == self.events + self.duplicates + self.refused


class AuditReport(msgspec.Struct, frozen=True, kw_only=True):
    """`dispositions` and the duplicates add up to the records. `problems` is empty if everything holds."""

    topics: tuple[TopicCount, ...]
    dispositions: Mapping[Disposition, int]
    waiting: Mapping[str, int]
    open_dead_letters: Mapping[str, int]
    open_questions: int
    unpublished: int
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


class ReadRecord(NamedTuple):
    """A record read again from Kafka; event key and digest None where it cannot be read as an event."""

    topic: str
    partition: int
    offset: int
    event_key: str | None
    digest: str | None


class Audit:
    """Audits the ledger."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @repeated
    async def audit(self) -> AuditReport:
        """Everything from one state of the ledger. It takes a while on a large one, and stops nobody."""
        async with self._store.read() as connection:
            topics = await _topics(connection)
            ends = await dispositions.count(connection)
            pending = await self._waiting(connection)
            letters = await _group(connection, _letters.c.cause, _letters.c.state == "open")
            questions = await _count(connection, tables.questions.c.state == "open", tables.questions)
            unpublished = await _count(connection, tables.transitions.c.published_at.is_(None), tables.transitions)
            problems = _equations(topics, ends) + await _broken(connection)
        return AuditReport(
            topics=topics,
            dispositions=ends,
            waiting=pending,
            open_dead_letters=letters,
            open_questions=questions,
            unpublished=unpublished,
            problems=tuple(problems),
        )

    async def audit_records(self, records: AsyncIterable[ReadRecord]) -> Sequence[str]:
        """Compare records read again from Kafka with the rows; what is wrong, in sentences.

        Records at or after the ledger's offset are left out: they were not taken in yet. Those of `raw` have an audit
        of their own (streams.ledger.audit_raw).
        """
        problems: list[str] = []
        batch: list[ReadRecord] = []
        async for record in records:
            batch.append(record)
            if len(batch) == _READ_BATCH:
                problems += await self._compare(batch)
                batch = []
        return problems + await self._compare(batch)

    @repeated
    async def _compare(self, batch: Sequence[ReadRecord]) -> list[str]:
        async with self._store.read() as connection:
            next_offsets = {
                (row[0], row[1]): row[2]
                for row in await connection.execute(
                    select(_cursors.c.topic, _cursors.c.partition, _cursors.c.next_offset)
                )
            }
            wanted = [one for one in batch if one.offset < next_offsets.get((one.topic, one.partition), 0)]
            found = await positions(connection, wanted)
        return [problem for record in wanted if (problem := _judge(record, found)) is not None]

    async def _waiting(self, connection: AsyncConnection) -> dict[str, int]:
        statement = select(_commands).where(PENDING).limit(_WAITING_MAX)
        rows = [dict(row) for row in (await connection.execute(statement)).mappings()]
        reasons: dict[str, int] = {}
        for waiting in (await waits.of_commands(connection, rows, self._clock.now())).values():
            reasons[waiting.reason] = reasons.get(waiting.reason, 0) + 1
        return dict(sorted(reasons.items()))


def _judge(record: ReadRecord, found: Mapping[tuple[str, int, int], tuple[str | None, str | None]]) -> str | None:
    position = (record.topic, record.partition, record.offset)
    where = "/".join(map(str, position))
    if position not in found:
        return f"lost: {where} ({record.event_key}) was passed by, and the ledger has no row of it"
    key, digest = found[position]
    if key is not None and record.event_key is not None and key != record.event_key:
        return f"{where} is event {record.event_key}, the ledger has {key}"
    if digest is not None and record.digest is not None and digest != record.digest:
        return f"{where} ({record.event_key}) has other content than the ledger took in"
    return None


async def positions(
    connection: AsyncConnection, records: Sequence[ReadRecord]
) -> dict[tuple[str, int, int], tuple[str | None, str | None]]:
    """What the ledger has at the records' positions: event key and digest, each None where the row holds none."""
    found: dict[tuple[str, int, int], tuple[str | None, str | None]] = {}
    wanted = [record[:3] for record in records]
    # A replayed letter has a row in `events` as well, with the digest of what it was edited to: the letter comes last.
    for table, digest in (
        (_duplicates, _duplicates.c.digest),
        (_events, _events.c.digest),
        (_letters, None),
    ):
        columns = table.c
        place = tuple_(columns.topic, columns.partition, columns.offset)
        chosen = [columns.topic, columns.partition, columns.offset, columns.event_key]
        statement = select(*chosen, *([] if digest is None else [digest])).where(place.in_(wanted))
        if digest is None:
            statement = statement.where(_letters.c.command_id.is_(None))
        for row in await connection.execute(statement):
            found[row[0], row[1], row[2]] = (row[3], row[4] if digest is not None else None)
    return found


async def _topics(connection: AsyncConnection) -> tuple[TopicCount, ...]:
    events = await _by_partition(connection, _events, None)
    duplicates = await _by_partition(connection, _duplicates, None)
    every = await _by_partition(connection, _letters, _letters.c.command_id.is_(None))
    became = await _became_events(connection)
    rows = await connection.execute(
        select(_cursors).where(_cursors.c.topic != "commands").order_by(_cursors.c.topic, _cursors.c.partition)
    )
    counts = []
    for row in rows.mappings():
        at = (row["topic"], row["partition"])
        counts.append(
            TopicCount(
                topic=row["topic"],
                partition=row["partition"],
                next_offset=row["next_offset"],
                records=row["records"],
                events=events.get(at, 0),
                duplicates=duplicates.get(at, 0),
                refused=every.get(at, 0) - became.get(at, 0),
            )
        )
    return tuple(counts)


async def _by_partition(connection: AsyncConnection, table: Any, where: Any) -> dict[tuple[str, int], int]:
    columns = table.c
    # A record is refused once, however often its letter is closed and opened.
    number = func.count() if where is None else func.count(columns.subject.distinct())
    statement: Select[Any] = select(columns.topic, columns.partition, number)
    if where is not None:
        statement = statement.where(where)
    rows = await connection.execute(statement.group_by(columns.topic, columns.partition))
    return {(row[0], row[1]): row[2] for row in rows}


async def _became_events(connection: AsyncConnection) -> dict[tuple[str, int], int]:
    statement = (
        select(_letters.c.topic, _letters.c.partition, func.count(_letters.c.subject.distinct()))
        .join(
            _events,
            and_(
                _events.c.topic == _letters.c.topic,
                _events.c.partition == _letters.c.partition,
                _events.c.offset == _letters.c.offset,
            ),
        )
        .where(_letters.c.command_id.is_(None))
        .group_by(_letters.c.topic, _letters.c.partition)
    )
    return {(row[0], row[1]): row[2] for row in await connection.execute(statement)}


def _equations(topics: Sequence[TopicCount], ends: Mapping[Disposition, int]) -> list[str]:
    problems = [
        f"{one.topic}/{one.partition}: {one.records} records were taken in, but there are {one.events} events, "
        f"{one.duplicates} duplicates and {one.refused} refused"
        for one in topics
        if not one.balanced
    ]
    told = sum(one.events + one.refused for one in topics)
    if told != sum(ends.values()):
        problems.append(f"{told} events and refused records have {sum(ends.values())} dispositions")
    return problems


async def _broken(connection: AsyncConnection) -> list[str]:
    """Rows that no transaction of ours leaves behind."""
    open_writes = select(tables.writes.c.command_id).where(tables.writes.c.result.is_(None))
    open_letters = select(_letters.c.command_id).where(_letters.c.state == "open", _letters.c.command_id.is_not(None))
    rules = {
        "commands are sent, but in no open call": and_(
            _commands.c.state == "sent", _commands.c.command_id.not_in(open_writes)
        ),
        "commands are rejected, but have no open dead letter": and_(
            _commands.c.state == "rejected", _commands.c.command_id.not_in(open_letters)
        ),
        "commands are in an open call, but not sent": and_(
            _commands.c.state != "sent", _commands.c.command_id.in_(open_writes)
        ),
        "commands have an open dead letter, but are not rejected": and_(
            _commands.c.state != "rejected", _commands.c.command_id.in_(open_letters)
        ),
    }
    problems = []
    for words, rule in rules.items():
        number = await _count(connection, rule, _commands)
        if number:
            problems.append(f"{number} {words}")
    lost = or_(_effects.c.xero_id == "", _effects.c.posted_digest.is_(None) & _effects.c.xero_id.is_not(None))
    if number := await _count(connection, lost, _effects):
        problems.append(f"{number} effects have a document, but nothing says what was posted")
    return problems


async def _count(connection: AsyncConnection, where: Any, table: Any) -> int:
    return int((await connection.execute(select(func.count()).select_from(table).where(where))).scalar_one())


async def _group(connection: AsyncConnection, column: Any, where: Any) -> dict[str, int]:
    rows = await connection.execute(select(column, func.count()).where(where).group_by(column).order_by(column))
    return {row[0]: row[1] for row in rows}
