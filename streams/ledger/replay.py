"""Replay: a decision of a person on a dead letter, within one transaction (design section 6)."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import ColumnElement, and_, delete, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.commands import CommandRecord, Evidence, Ignored, Pending, RefusedEvent
from streams.clock import Clock
from streams.ledger import dead_letters, letters, locks, tables, transitions
from streams.ledger.dead_letters import LetterRow
from streams.ledger.engine import Rollback, Store
from streams.ledger.errors import NotPossible
from streams.ledger.repeat import repeated
from streams.ledger.revising import revise
from streams.ledger.taking import take
from streams.ledger.transitions import WORKER, Why
from streams.ledger.work import Work

_events: Final = tables.events
_letters: Final = tables.dead_letters
_commands: Final = tables.commands


class StoredRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record as the ledger kept it; `topic` without prefix. `event_key` is that of the letter, if it has one."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    event_key: str | None = None


Retranslate = Callable[[StoredRecord], CommandRecord]
"""Today's pure translate, with today's tenant files."""


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """A command before and after; `before` states None for one that is new."""

    command_id: str
    kind: str
    tenant: str | None
    from_state: str | None
    to_state: str
    payload_before: object
    payload_after: object


class ReplayReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay did, or would do. `refused`: it cannot become commands today either, `evidence` says why."""

    dlq_id: str
    result: Literal["replayed", "refused", "ignored", "waiting"]
    text: str
    commands: tuple[Replayed, ...] = ()
    evidence: Evidence | None = None
    dry_run: bool = False


class Replay:
    """Replays letters, and events that waited for a release that knows them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @repeated
    async def replay(
        self, dlq_id: str, retranslate: Retranslate, actor: str, *, edited: bytes | None = None, dry_run: bool = False
    ) -> ReplayReport:
        """Translate the letter's record anew, or `edited` in its place, and take the result in.

        NotPossible: the letter is closed, something is on its way to Xero, or is booked with other content. Nothing
        was changed then, nor with `dry_run`.
        """
        report: ReplayReport | None = None
        try:
            async with self._store.write() as connection:
                await locks.take_turn(connection)
                letter = await dead_letters.get(connection, dlq_id)
                report = await self._replay(connection, letter, retranslate, actor, edited)
                if dry_run:
                    raise Rollback
        except Rollback:
            assert report is not None
            return msgspec.structs.replace(report, dry_run=True)
        return report

    async def _replay(
        self,
        connection: AsyncConnection,
        letter: LetterRow,
        retranslate: Retranslate,
        actor: str,
        edited: bytes | None,
    ) -> ReplayReport:
        if letter.state != "open":
            raise NotPossible(f"{letter.letter.dlq_id} was closed by {letter.closed_by}: {letter.closed_reason}")
        record = retranslate(_stored(letter, edited))
        if letter.event_key is not None and record.event_key != letter.event_key:
            raise NotPossible(
                f"the edited event is {record.event_key}, the letter's is {letter.event_key}: keep its id"
            )
        if isinstance(record.outcome, RefusedEvent):
            await self._still_refused(connection, letter, record.outcome)
            return ReplayReport(
                dlq_id=letter.letter.dlq_id,
                result="refused",
                text=record.outcome.evidence.message,
                evidence=record.outcome.evidence,
            )
        before = await _commands_of(connection, record)
        work = Work(connection, self._clock.now())
        # Before the event is taken in: that would close it as one that its source had mended.
        await letters.close(connection, [letter.letter.subject], work.now, actor, "replayed")
        if await _is_known(connection, record):
            if isinstance(record.outcome, Pending):
                raise NotPossible(f"no rule of this release knows the event: {record.outcome.reason}")
            await revise(work, record, actor)
            await work.finish()
        else:
            await take(work, [record], actor)
        await _note_edit(connection, letter, actor, edited)
        return _report(letter, record, before, await _commands_of(connection, record))

    async def _still_refused(self, connection: AsyncConnection, letter: LetterRow, refused: RefusedEvent) -> None:
        values = {
            "attempts": _letters.c.attempts + 1,
            "last_failed_at": self._clock.now(),
            "cause": refused.cause,
            "evidence": msgspec.to_builtins(refused.evidence),
        }
        await connection.execute(update(_letters).where(_letters.c.dlq_id == letter.letter.dlq_id).values(**values))

    async def retranslate_pending(self, retranslate: Retranslate, page: int = 500) -> int:
        """Take up events that no rule knew when they came, for a release that knows them; how many it took up.

        In the order in which they came, a transaction a page.
        """
        taken = 0
        after: ColumnElement[bool] | None = true()
        while after is not None:
            found, after = await self._page(retranslate, after, page)
            taken += found
        return taken

    @repeated
    async def _page(
        self, retranslate: Retranslate, after: ColumnElement[bool], page: int
    ) -> tuple[int, ColumnElement[bool] | None]:
        """How many of a page were taken up, and where the next one begins."""
        waiting = select(_events).where(_events.c.outcome == "pending", after)
        waiting = waiting.order_by(_events.c.recorded_at, _events.c.event_key).limit(page)
        async with self._store.write() as connection:
            await locks.take_turn(connection)
            rows = (await connection.execute(waiting)).mappings().all()
            taken = sum([await self._take_up(connection, row, retranslate(_of_event(row))) for row in rows])
        if len(rows) < page:
            return taken, None
        at, key = rows[-1]["recorded_at"], rows[-1]["event_key"]
        return taken, or_(_events.c.recorded_at > at, and_(_events.c.recorded_at == at, _events.c.event_key > key))

    async def _take_up(self, connection: AsyncConnection, row: Any, record: CommandRecord) -> int:
        if isinstance(record.outcome, Pending):
            return 0
        key = row["event_key"]
        work = Work(connection, self._clock.now())
        if isinstance(record.outcome, RefusedEvent):
            await _refuse(work, key, record, record.outcome)
            return 1
        ignored = isinstance(record.outcome, Ignored)
        values = {
            "outcome": "ignored" if ignored else "commands",
            "reason": getattr(record.outcome, "reason", None),
            "entity_key": record.entity_key,
            "digest": record.digest,
        }
        await connection.execute(update(_events).where(_events.c.event_key == key).values(**values))
        number = await transitions.next_number(connection, key)
        entity = record.entity_key or key
        why = Why(actor=WORKER, reason="a rule of this release knows it")
        to = "ignored" if ignored else "taken_up"
        work.transitions.append(transitions.of_subject(key, number, entity, to, work.now, why, event_key=key))
        await revise(work, record, WORKER)
        await work.finish()
        return 1


async def _refuse(work: Work, key: str, record: CommandRecord, refused: RefusedEvent) -> None:
    """A refused record has a letter in the place of its row."""
    await work.connection.execute(delete(_events).where(_events.c.event_key == key))
    letter = letters.of_record(record, refused, work.now)
    work.letters.append(letter)
    why = Why(reason=refused.evidence.message, cause=refused.cause, dlq_id=letter["dlq_id"])
    entity, subject = record.entity_key or key, letter["subject"]
    number = await transitions.next_number(work.connection, subject)
    row = transitions.of_subject(subject, number, entity, "rejected", work.now, why, event_key=record.event_key)
    work.transitions.append(row)
    await work.finish()


def _stored(letter: LetterRow, edited: bytes | None) -> StoredRecord:
    record = letter.letter
    return StoredRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp_ms,
        key=record.key,
        value=record.value if edited is None else edited,
        headers=record.headers,
        event_key=letter.event_key,
    )


def _of_event(row: Any) -> StoredRecord:
    names = ("topic", "partition", "offset", "timestamp_ms", "key", "value")
    return StoredRecord(**{name: row[name] for name in names}, headers=letters.read_headers(row["headers"]))


async def _is_known(connection: AsyncConnection, record: CommandRecord) -> bool:
    statement = select(_events.c.event_key).where(_events.c.event_key == record.event_key)
    return (await connection.execute(statement)).first() is not None


async def _note_edit(connection: AsyncConnection, letter: LetterRow, actor: str, edited: bytes | None) -> None:
    """The event goes on with the edited bytes; the closed letter keeps what the source had sent."""
    if edited is None:
        return
    record = letter.letter
    values = {
        "edited_by": actor,
        "key": record.key,
        "value": record.value,
        "headers": letters.stored_headers(record.headers),
    }
    await connection.execute(update(_letters).where(_letters.c.dlq_id == record.dlq_id).values(**values))
    # A request of a source was edited, and not the event that was read from it.
    if record.topic != letters.RAW:
        await connection.execute(update(_events).where(_events.c.event_key == letter.event_key).values(value=edited))


async def _commands_of(connection: AsyncConnection, record: CommandRecord) -> dict[str, Any]:
    statement = select(_commands).where(_commands.c.event_key == record.event_key).order_by(_commands.c.position)
    return {row["command_id"]: row for row in (await connection.execute(statement)).mappings()}


def _report(letter: LetterRow, record: CommandRecord, before: dict[str, Any], after: dict[str, Any]) -> ReplayReport:
    commands: Sequence[Replayed] = [
        Replayed(
            command_id=key,
            kind=row["kind"],
            tenant=row["tenant"],
            from_state=before[key]["state"] if key in before else None,
            to_state=row["state"],
            payload_before=msgspec.json.decode(before[key]["payload"]) if key in before else None,
            payload_after=msgspec.json.decode(row["payload"]),
        )
        for key, row in after.items()
    ]
    result: Literal["replayed", "ignored", "waiting"] = "replayed"
    text = ", ".join(f"{one.kind} is {one.to_state}" for one in commands)
    if isinstance(record.outcome, Ignored | Pending):
        result = "ignored" if isinstance(record.outcome, Ignored) else "waiting"
        text = record.outcome.reason
    return ReplayReport(dlq_id=letter.letter.dlq_id, result=result, text=text, commands=tuple(commands))
