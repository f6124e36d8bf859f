"""Rows of `commands` and `effects` as values that one transaction works on."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final, TypeVar

from schemas.states import CommandState
from streams.core.effects import Existing

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")

# Both dialects take some 32,000 parameters in a statement; short lists keep their plans cached.
_CHUNK: Final = 500


@dataclass(slots=True, kw_only=True)
class CommandRow:
    """One command, columns as in the table. `new` and `changed` say what flush must write."""

    command_id: str
    event_key: str
    effect_key: str
    entity_key: str
    tenant: str | None
    source: str
    kind: str
    payload: str
    payload_version: int
    digest: str
    sequence: int | None
    state: CommandState
    revision: int
    attempts: int
    changes: int
    ready_since: datetime | None
    due_at: datetime | None
    priority_s: int
    not_before: datetime | None
    cause: str | None
    reason: str | None
    decision: str | None
    hints: Mapping[str, str]
    look_first: bool
    created_at: datetime
    changed_at: datetime
    depends_on: tuple[str, ...] = ()
    new: bool = False
    changed: bool = False


@dataclass(slots=True, kw_only=True)
class EffectRow:
    """One effect, columns as in the table."""

    effect_key: str
    entity_key: str
    tenant: str | None
    current_command: str
    highest_sequence: int | None
    highest_digest: str
    mark: str
    resource: str | None = None
    xero_id: str | None = None
    number: str | None = None
    posted_digest: str | None = None
    posted_body: Any = None
    posted_at: datetime | None = None
    new: bool = field(default=False)
    changed: bool = field(default=False)

    def existing(self, current: CommandRow) -> Existing:
        """What a new command is compared with."""
        return Existing(
            state=current.state,
            digest=current.digest,
            highest_sequence=self.highest_sequence,
            highest_digest=self.highest_digest,
            posted_digest=self.posted_digest,
            linked=self.xero_id is not None,
        )


_NOT_COLUMNS: Final = {"depends_on", "new", "changed"}
COMMAND_COLUMNS: Final = tuple(column.name for column in fields(CommandRow) if column.name not in _NOT_COLUMNS)
EFFECT_COLUMNS: Final = tuple(column.name for column in fields(EffectRow) if column.name not in _NOT_COLUMNS)


def values_of(row: CommandRow | EffectRow) -> dict[str, Any]:
    """The row's columns."""
    names = COMMAND_COLUMNS if isinstance(row, CommandRow) else EFFECT_COLUMNS
    return {name: getattr(row, name) for name in names}


def chunks(items: Iterable[T]) -> Iterator[list[T]]:
    """The distinct items in lists short enough for one statement."""
    distinct = list(dict.fromkeys(items))
    for start in range(0, len(distinct), _CHUNK):
        yield distinct[start : start + _CHUNK]


def grouped(places: Iterable[tuple[A, B, T]]) -> Iterator[tuple[A, B, list[T]]]:
    """The distinct triples by their first two parts, for statements `a = ? AND b = ? AND c IN (...)`, which go by an
    index; `(a, b, c) IN (...)` walks through the table in SQLite, and is slow in PostgreSQL."""
    groups: dict[tuple[A, B], list[T]] = {}
    for first, second, last in places:
        groups.setdefault((first, second), []).append(last)
    for (first, second), rest in groups.items():
        for some in chunks(rest):
            yield first, second, some
