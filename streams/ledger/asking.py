"""Questions: listing them, and a person's answers."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.commands import decode_record
from streams.clock import Clock
from streams.core.effects import KEEP, TAKE
from streams.core.lanes import PERSON_S
from streams.core.results import Option
from streams.ledger import conflicts, locks, tables
from streams.ledger.admission import make_current
from streams.ledger.engine import Rollback, Store
from streams.ledger.errors import NotPossible
from streams.ledger.questions import EFFECT_CONFLICT
from streams.ledger.repeat import repeated
from streams.ledger.revising import discard, revise
from streams.ledger.rows import CommandRow
from streams.ledger.work import Work

_questions: Final = tables.questions
_DISCARD: Final = "discard"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A choice that a person must make, or has made. `ours` and `theirs` are shown side by side."""

    question_id: str
    kind: str
    cause: str
    text: str
    ours: Mapping[str, Any]
    theirs: Mapping[str, Any]
    options: tuple[Option, ...]
    state: str
    asked_at: datetime
    command_id: str | None = None
    event_key: str | None = None
    entity_key: str | None = None
    tenant: str | None = None
    answer: str | None = None
    actor: str | None = None
    answered_at: datetime | None = None


class AnswerReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer did. `state` is that of the question's command afterwards; `freed` how many may go now."""

    question_id: str
    option: str
    does: str
    state: str | None
    freed: int
    dry_run: bool = False


class Questions:
    """Lists and answers questions."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @repeated
    async def list(self, *, state: str | None = "open", entity_key: str | None = None) -> Sequence[Question]:
        """The questions that fit, oldest first."""
        statement = select(_questions).order_by(_questions.c.asked_at, _questions.c.question_id)
        if state is not None:
            statement = statement.where(_questions.c.state == state)
        if entity_key is not None:
            statement = statement.where(_questions.c.entity_key == entity_key)
        async with self._store.read() as connection:
            return await questions(connection, (await connection.execute(statement)).mappings().all())

    @repeated
    async def answer(self, question_id: str, option: str, actor: str, *, dry_run: bool = False) -> AnswerReport:
        """Do what the option says. `question_id` may be the beginning of it. NotPossible names the options."""
        report: AnswerReport | None = None
        try:
            async with self._store.write() as connection:
                await locks.take_turn(connection)
                row = await _find(connection, question_id)
                report = await self._answer(connection, row, option, actor)
                if dry_run:
                    raise Rollback
        except Rollback:
            assert report is not None
            return msgspec.structs.replace(report, dry_run=True)
        return report

    async def _answer(self, connection: AsyncConnection, row: Any, option: str, actor: str) -> AnswerReport:
        asked = question(row)
        does = {one.name: one.does for one in asked.options}
        if option not in does:
            raise NotPossible(f"{option} is no option of this question; they are {', '.join(does)}")
        work = Work(connection, self._clock.now())
        await connection.execute(
            update(_questions)
            .where(_questions.c.question_id == asked.question_id)
            .values(state="closed", answer=option, actor=actor, answered_at=work.now)
        )
        state = None
        if asked.command_id is not None:
            await work.load_with_effects([asked.command_id])
            command = work.commands[asked.command_id]
            _decide(work, command, asked, option, actor)
            state = command.state
        elif option == TAKE and row["record"] is not None:
            await revise(work, decode_record(row["record"]), actor)
        freed = await work.finish()
        return AnswerReport(question_id=asked.question_id, option=option, does=does[option], state=state, freed=freed)


def _decide(work: Work, command: CommandRow, asked: Question, option: str, actor: str) -> None:
    reason = f"answered {option} to question {asked.question_id}"
    if command.state == "pending" and (option == _DISCARD or (asked.kind == EFFECT_CONFLICT and option == KEEP)):
        discard(work, command, actor, reason)
        return
    if asked.kind == EFFECT_CONFLICT:
        effect = work.effects[command.effect_key]
        current = work.commands[effect.current_command]
        make_current(work, command, actor, supersedes=current.state in ("pending", "rejected"))
    else:
        command.decision = option
    command.not_before = None
    command.priority_s = PERSON_S
    work.touch(command)


async def _find(connection: AsyncConnection, question_id: str) -> Any:
    statement = select(_questions).where(_questions.c.question_id.startswith(question_id, autoescape=True)).limit(2)
    rows = (await connection.execute(statement)).mappings().all()
    if len(rows) != 1:
        word = "no question has" if not rows else "several questions have"
        raise NotPossible(f"{word} the id {question_id}: `ledgerstream ask list` shows them all")
    if rows[0]["state"] != "open":
        raise NotPossible(f"{question_id} was answered by {rows[0]['actor']}: {rows[0]['answer']}")
    return rows[0]


async def questions(connection: AsyncConnection, rows: Iterable[Any]) -> list[Question]:
    """Rows of `questions`, each with the options that can be taken as things stand."""
    found = [question(row) for row in rows]
    keys = {one.event_key for one in found if one.kind == "event_conflict" and one.event_key is not None}
    booked = await conflicts.booked(connection, keys)
    return [
        msgspec.structs.replace(one, options=(conflicts.BOOKED,)) if one.event_key in booked & keys else one
        for one in found
    ]


def question(row: Any) -> Question:
    """A row of `questions`."""
    named = {name: row[name] for name in Question.__struct_fields__ if name != "options"}
    return Question(**named, options=tuple(msgspec.convert(row["options"], list[Option])))
