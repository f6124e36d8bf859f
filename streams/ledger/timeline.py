"""The whole story of an entity, an event, a command or a document, in order: what `ledgerstream trace` shows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas import keys
from schemas.codec import to_json
from schemas.states import WaitReason
from streams.clock import Clock
from streams.core.situation import RESTORED
from streams.ledger import asking, dead_letters, raw_ends, tables, tables_hearing, waits
from streams.ledger.among import among
from streams.ledger.asking import Question
from streams.ledger.dead_letters import LetterRow
from streams.ledger.engine import Store
from streams.ledger.ready import UNFINISHED
from streams.ledger.repeat import repeated
from streams.ledger.rows import chunks, grouped

_events: Final = tables.events
_commands: Final = tables.commands
_effects: Final = tables.effects
_dependencies: Final = tables.dependencies
_transitions: Final = tables.transitions
_calls: Final = tables.calls
_writes: Final = tables.writes


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it was taken in."""

    event_key: str
    type: str | None
    time: datetime | None
    outcome: str
    reason: str | None
    topic: str
    partition: int
    offset: int
    recorded_at: datetime


class CommandView(msgspec.Struct, frozen=True, kw_only=True):
    """A command as it stands. `waits_for`, `why` and `until` only while it is pending."""

    command_id: str
    event_key: str
    effect_key: str
    kind: str
    state: str
    tenant: str | None
    revision: int
    attempts: int
    sequence: int | None
    payload: Any
    waits_for: WaitReason | None = None
    why: str | None = None
    until: datetime | None = None


class DocumentView(msgspec.Struct, frozen=True, kw_only=True):
    """An effect and its document. `body` is the last that Xero told of it, at `read_at`."""

    effect_key: str
    tenant: str | None
    resource: str | None
    xero_id: str | None
    number: str | None
    mark: str
    current_command: str
    posted_at: datetime | None
    body: Any = None
    read_at: datetime | None = None


class NewsView(msgspec.Struct, frozen=True, kw_only=True):
    """A change of such a document in Xero, at Xero's time; `data` is the event's, as schemas.events.xero says."""

    resource: str
    xero_id: str
    number: int
    at: datetime
    data: Any


class TransitionView(msgspec.Struct, frozen=True, kw_only=True):
    """One change of state."""

    subject: str
    number: int
    from_state: str | None
    to_state: str
    actor: str
    at: datetime
    reason: str | None
    cause: str | None
    xero_number: str | None
    call: int | None


class CallView(msgspec.Struct, frozen=True, kw_only=True):
    """One call to Xero that carried a command of the story, or looked for it. Purpose `restored`: it was not sent, and
    stands for what Xero is asked because a backup was put back."""

    number: int
    root: int
    purpose: str
    method: str
    path: str
    opened_at: datetime
    answered_at: datetime | None
    status: int | None
    correlation_id: str | None
    detail: str | None
    state: str
    commands: tuple[str, ...]


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """The story. Empty lists all round mean that the ledger knows nothing under this key; an event that is of no entity
    has a story without one."""

    entities: tuple[str, ...]
    events: tuple[EventView, ...] = ()
    commands: tuple[CommandView, ...] = ()
    documents: tuple[DocumentView, ...] = ()
    transitions: tuple[TransitionView, ...] = ()
    calls: tuple[CallView, ...] = ()
    dead_letters: tuple[LetterRow, ...] = ()
    questions: tuple[Question, ...] = ()
    news: tuple[NewsView, ...] = ()


class Timelines:
    """Tells stories."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @repeated
    async def entities(self, key: str) -> tuple[str, ...]:
        """The entities that an entity key, event key, command id, effect key, document number or mark means."""
        async with self._store.read() as connection:
            return await _entities(connection, key)

    @repeated
    async def stranded_by(self, command_id: str) -> tuple[CommandView, ...]:
        """Every pending command that cannot go before this one is finished."""
        async with self._store.read() as connection:
            waiting = await waits.stranded_by(connection, command_id, self._clock.now())
            rows = await _rows(connection, _commands, _commands.c.command_id.in_(waiting), _commands.c.position)
        return tuple(_command(row, waiting[row["command_id"]]) for row in rows)

    @repeated
    async def similar(self, key: str, limit: int = 5) -> tuple[str, ...]:
        """Entity keys, document numbers and event keys that hold what was typed, for a key that nothing is known
        under."""
        found: dict[str, None] = {}
        async with self._store.read() as connection:
            for column in (_effects.c.entity_key, _effects.c.number, _events.c.event_key):
                statement = select(column).where(column.contains(key, autoescape=True)).distinct()
                rows = await connection.execute(statement.order_by(column).limit(limit - len(found)))
                found |= {row[0]: None for row in rows}
        return tuple(found)

    @repeated
    async def trace(self, key: str) -> Timeline:
        """Everything about the entities that the key means."""
        async with self._store.read() as connection:
            entities = await _entities(connection, key)
            alone = await _without_entity(connection, key)
            if not entities and not alone:
                return Timeline(entities=())
            followers = await _followers(connection, entities)
            commands = await _rows(connection, _commands, _of_story(entities, followers), _commands.c.position)
            ids = [row["command_id"] for row in commands]
            event_keys = [*alone, *(row["event_key"] for row in commands)]
            where = or_(_events.c.entity_key.in_(entities), among(_events.c.event_key, event_keys))
            events = await _rows(connection, _events, where, _events.c.recorded_at)
            pending = [row for row in commands if row["state"] == "pending"]
            waiting = await waits.of_commands(connection, pending, self._clock.now())
            found = await _documents(connection, [row["effect_key"] for row in commands])
            return Timeline(
                entities=entities,
                events=tuple(_view(EventView, row) for row in events),
                commands=tuple(_command(row, waiting.get(row["command_id"])) for row in commands),
                documents=found,
                transitions=await _transitions_of(connection, [*entities, *alone], ids),
                calls=await _calls_of(connection, ids),
                dead_letters=tuple(await _letters_of(connection, entities, ids, alone)),
                questions=await _questions_of(connection, entities, ids),
                news=await _news_of(connection, found),
            )


async def _entities(connection: AsyncConnection, key: str) -> tuple[str, ...]:
    letters = tables.dead_letters
    statements = [
        select(_commands.c.entity_key).where(
            or_(
                _commands.c.entity_key == key,
                _commands.c.command_id == key,
                _commands.c.event_key == key,
                _commands.c.effect_key == key,
            )
        ),
        select(_events.c.entity_key).where(or_(_events.c.entity_key == key, _events.c.event_key == key)),
        select(_effects.c.entity_key).where(or_(_effects.c.number == key, _effects.c.xero_id == key)),
        select(letters.c.entity_key).where(or_(letters.c.entity_key == key, letters.c.event_key == key)),
    ]
    if keys.marks_in(key) == (key,):
        # Nobody asks for a mark often enough for an index that every effect would pay for.
        statements.append(select(_effects.c.entity_key).where(_effects.c.mark == key))
    found: dict[str, None] = {}
    for statement in statements:
        found |= {row[0]: None for row in await connection.execute(statement) if row[0] is not None}
    return tuple(found) or await _not_booked(connection, key)


async def _not_booked(connection: AsyncConnection, number: str) -> tuple[str, ...]:
    """The entities of commands that would make a document of this number, and have not, or were refused."""
    would = _commands.c.payload.contains(f'"number":{to_json(number).decode()}', autoescape=True)
    statement = select(_commands.c.entity_key).where(_commands.c.state.in_(UNFINISHED), would)
    return tuple({row[0]: None for row in await connection.execute(statement)})


async def _without_entity(connection: AsyncConnection, key: str) -> list[str]:
    """The event keys of what the key means and has no entity: an unknown type, a request that told no event, or a dead
    letter of what could not be read so far."""
    source, _, event_id = key.partition(":")
    where = or_(_events.c.event_key == key, raw_ends.is_called(source, event_id))
    events = select(_events.c.event_key).where(where, _events.c.entity_key.is_(None))
    letters = tables.dead_letters.c
    refused = select(letters.event_key).where(letters.event_key == key, letters.entity_key.is_(None))
    return list({row[0]: None for statement in (events, refused) for row in await connection.execute(statement)})


async def _followers(connection: AsyncConnection, entities: Sequence[str]) -> list[str]:
    """The ids of all commands that build on these entities: payments, credit notes, and the refunds that build on
    those."""
    own = select(_effects.c.effect_key).where(_effects.c.entity_key.in_(entities))
    frontier = {row[0] for row in await connection.execute(own)}
    seen, found = set(frontier), dict[str, None]()
    while frontier:
        following: set[str] = set()
        for some in chunks(frontier):
            statement = (
                select(_commands.c.command_id, _commands.c.effect_key)
                .join(_dependencies, _dependencies.c.command_id == _commands.c.command_id)
                .where(among(_dependencies.c.effect_key, some))
            )
            for command, effect in await connection.execute(statement):
                found[command] = None
                following.add(effect)
        frontier = following - seen
        seen |= frontier
    return list(found)


def _of_story(entities: Sequence[str], followers: list[str]) -> ColumnElement[bool]:
    """Commands of the entities, of the events that told of them, and those that build on them."""
    events = select(_events.c.event_key).where(_events.c.entity_key.in_(entities))
    return or_(
        _commands.c.entity_key.in_(entities),
        _commands.c.event_key.in_(events),
        among(_commands.c.command_id, followers),
    )


async def _rows(connection: AsyncConnection, table: Any, where: Any, order: Any) -> list[dict[str, Any]]:
    rows = await connection.execute(select(table).where(where).order_by(order))
    return [dict(row) for row in rows.mappings()]


def _view(kind: Any, row: Any) -> Any:
    return kind(**{name: row[name] for name in kind.__struct_fields__})


def _command(row: dict[str, Any], waiting: Any) -> CommandView:
    names = ("command_id", "event_key", "effect_key", "kind", "state", "tenant", "revision", "attempts", "sequence")
    return CommandView(
        **{name: row[name] for name in names},
        payload=msgspec.json.decode(row["payload"]),
        waits_for=waiting.reason if waiting else None,
        why=waiting.text if waiting else None,
        until=waiting.until if waiting else None,
    )


async def _documents(connection: AsyncConnection, effect_keys: Sequence[str]) -> tuple[DocumentView, ...]:
    documents = tables.documents
    statement = (
        select(_effects, documents.c.body, documents.c.read_at)
        .outerjoin(
            documents,
            (documents.c.tenant == _effects.c.tenant)
            & (documents.c.resource == _effects.c.resource)
            & (documents.c.xero_id == _effects.c.xero_id),
        )
        .where(_effects.c.effect_key.in_(effect_keys))
        .order_by(_effects.c.effect_key)
    )
    return tuple(_view(DocumentView, row) for row in (await connection.execute(statement)).mappings())


async def _news_of(connection: AsyncConnection, found: Sequence[DocumentView]) -> tuple[NewsView, ...]:
    """What was told of these documents, in order."""
    news = tables_hearing.news
    places = [(one.tenant, one.resource, one.xero_id) for one in found if one.xero_id is not None]
    told: list[dict[str, Any]] = []
    for tenant, resource, ids in grouped(places):
        where = (news.c.tenant == tenant) & (news.c.resource == resource) & news.c.xero_id.in_(ids)
        told += await _rows(connection, news, where, news.c.id)
    return tuple(_view(NewsView, {**row, "data": msgspec.json.decode(row["data"])}) for row in told)


async def _transitions_of(
    connection: AsyncConnection, entities: Sequence[str], command_ids: list[str]
) -> tuple[TransitionView, ...]:
    where = or_(_transitions.c.entity_key.in_(entities), among(_transitions.c.subject, command_ids))
    rows = await _rows(connection, _transitions, where, _transitions.c.id)
    return tuple(_view(TransitionView, row) for row in rows)


async def _calls_of(connection: AsyncConnection, command_ids: Sequence[str]) -> tuple[CallView, ...]:
    carried: dict[int, list[str]] = {}
    for ids in chunks(command_ids):
        statement = select(_writes.c.call, _writes.c.command_id).where(_writes.c.command_id.in_(ids))
        for call, command in await connection.execute(statement):
            carried.setdefault(call, []).append(command)
    found = []
    for roots in chunks(carried):
        put_back = await _asked_after_restore(connection, roots)
        for row in await _rows(connection, _calls, _calls.c.root.in_(roots), _calls.c.number):
            values = {name: row[name] for name in CallView.__struct_fields__ if name != "commands"}
            if row["number"] in put_back:
                values |= {"purpose": RESTORED, "opened_at": put_back[row["number"]]}
            found.append(CallView(**values, commands=tuple(carried[row["root"]])))
    return tuple(sorted(found, key=lambda call: call.number))


async def _asked_after_restore(connection: AsyncConnection, calls: Sequence[int]) -> dict[int, datetime]:
    """When those of these calls came to be that nobody ever sent: they stand for what a backup that was put back does
    not know, and are dated before any idempotency key that may still live."""
    statement = (
        select(_writes.c.call, func.min(_transitions.c.at))
        .join(_transitions, (_transitions.c.call == _writes.c.call) & (_transitions.c.subject == _writes.c.command_id))
        .where(_writes.c.call.in_(calls), _writes.c.step == RESTORED, _transitions.c.to_state == "sent")
        .group_by(_writes.c.call)
    )
    return {row[0]: row[1] for row in await connection.execute(statement)}


async def _letters_of(
    connection: AsyncConnection, entities: Sequence[str], command_ids: list[str], event_keys: list[str]
) -> Sequence[LetterRow]:
    letters = tables.dead_letters.c
    of_keys = among(letters.event_key, event_keys)
    where = or_(letters.entity_key.in_(entities), among(letters.command_id, command_ids), of_keys)
    statement = select(letters.dlq_id).where(where).order_by(letters.first_failed_at)
    return await dead_letters.read(connection, [row[0] for row in await connection.execute(statement)])


async def _questions_of(
    connection: AsyncConnection, entities: Sequence[str], command_ids: list[str]
) -> tuple[Question, ...]:
    questions = tables.questions
    where = or_(questions.c.entity_key.in_(entities), among(questions.c.command_id, command_ids))
    return tuple(await asking.questions(connection, await _rows(connection, questions, where, questions.c.asked_at)))
