"""Reading dead letters: each with the record that it came from, whole."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.commands import Evidence
from schemas.dead_letter import DeadLetter
from streams.ledger import tables
from streams.ledger.engine import Store
from streams.ledger.errors import NotPossible
from streams.ledger.letters import read_headers
from streams.ledger.repeat import repeated
from streams.ledger.rows import chunks

_letters: Final = tables.dead_letters
_events: Final = tables.events


class LetterRow(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter with what lists show of it. `command_id` is None for a record that was refused as a whole."""

    letter: DeadLetter
    state: str
    command_id: str | None = None
    event_key: str | None = None
    entity_key: str | None = None
    tenant: str | None = None
    source: str | None = None
    kind: str | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    closed_reason: str | None = None


class DeadLetters:
    """Lists and shows dead letters."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @repeated
    async def list(
        self,
        *,
        state: str | None = "open",
        cause: str | None = None,
        tenant: str | None = None,
        source: str | None = None,
        entity_key: str | None = None,
        limit: int = 1000,
    ) -> Sequence[LetterRow]:
        """The letters that fit, oldest first; None fits all."""
        statement = _query()
        wanted = {"state": state, "cause": cause, "tenant": tenant, "source": source, "entity_key": entity_key}
        for name, value in wanted.items():
            if value is not None:
                statement = statement.where(_letters.c[name] == value)
        statement = statement.order_by(_letters.c.first_failed_at, _letters.c.dlq_id).limit(limit)
        async with self._store.read() as connection:
            return [_letter(row) for row in (await connection.execute(statement)).mappings()]

    @repeated
    async def get(self, dlq_id: str) -> LetterRow:
        """One letter, by its id or the beginning of it. NotPossible where none or several fit."""
        async with self._store.read() as connection:
            return await get(connection, dlq_id)


async def get(connection: AsyncConnection, dlq_id: str) -> LetterRow:
    """One letter, by its id or the beginning of it."""
    statement = _query().where(_letters.c.dlq_id.startswith(dlq_id, autoescape=True)).limit(2)
    rows = (await connection.execute(statement)).mappings().all()
    if len(rows) != 1:
        word = "no dead letter has" if not rows else "several dead letters have"
        raise NotPossible(f"{word} the id {dlq_id}: `ledgerstream dlq list` shows them all")
    return _letter(rows[0])


async def read(connection: AsyncConnection, dlq_ids: Iterable[str]) -> Sequence[LetterRow]:
    """The letters of these ids."""
    found: list[LetterRow] = []
    for ids in chunks(dlq_ids):
        rows = await connection.execute(_query().where(_letters.c.dlq_id.in_(ids)))
        found += [_letter(row) for row in rows.mappings()]
    return found


def _query() -> Select[Any]:
    record = (_events.c.key, _events.c.value, _events.c.headers)
    return select(_letters, *(column.label(f"record_{column.name}") for column in record)).outerjoin(
        _events, _events.c.event_key == _letters.c.event_key
    )


def _letter(row: Any) -> LetterRow:
    own = row["headers"] is not None
    return LetterRow(
        letter=DeadLetter(
            dlq_id=row["dlq_id"],
            subject=row["subject"],
            cause=row["cause"],
            stage=row["stage"],
            evidence=msgspec.convert(row["evidence"], Evidence),
            topic=row["topic"],
            partition=row["partition"],
            offset=row["offset"],
            timestamp_ms=row["timestamp_ms"],
            attempts=row["attempts"],
            first_failed_at=row["first_failed_at"],
            last_failed_at=row["last_failed_at"],
            key=row["key"] if own else row["record_key"],
            value=row["value"] if own else row["record_value"],
            headers=read_headers(row["headers"] if own else row["record_headers"]),
            idempotency_key=row["idempotency_key"],
            trace_id=row["trace_id"],
            replay_count=row["replay_count"],
            replay_of=row["replay_of"],
            edited_by=row["edited_by"],
        ),
        **{name: row[name] for name in LetterRow.__struct_fields__ if name != "letter"},
    )
