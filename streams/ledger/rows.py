"""Rows of `commands` and `effects` as values that one transaction works on."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, TypeVar

from schemas.states import CommandState
from streams.core.effects import Existing

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")

# Both dialects take some 32,000 parameters in a statement; short lists keep their plans cached.
_CHUNK: Final = 500


@dataclass(slots=True)
class CommandRow:
    """One command: first its columns, as in COMMAND_COLUMNS. `new` and `changed` say that flush must write it, `read`
    is what the columns held before."""

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
    read: Sequence[Any] = ()


@dataclass(slots=True)
class EffectRow:
    """One effect, in the same way."""

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
    read: Sequence[Any] = ()

    def existing(self, current: CommandRow) -> Existing:
        """What a new command is compared with."""
        return Existing(
            state=current.state,
            digest=current.digest,
            highest_sequence=self.highest_sequence,
            highest_digest=self.highest_digest,
            posted_digest=self.posted_digest,
            linked=self.xero_id is not None,
            payload=current.payload,
        )


_NOT_COLUMNS: Final = {"depends_on", "new", "changed", "read"}
COMMAND_COLUMNS: Final = tuple(column.name for column in fields(CommandRow) if column.name not in _NOT_COLUMNS)
EFFECT_COLUMNS: Final = tuple(column.name for column in fields(EffectRow) if column.name not in _NOT_COLUMNS)


_VALUES: Final[Mapping[type, Callable[[Any], tuple[Any, ...]]]] = {
    CommandRow: attrgetter(*COMMAND_COLUMNS),
    EffectRow: attrgetter(*EFFECT_COLUMNS),
}


def command_of(values: Sequence[Any]) -> CommandRow:
    """A row as it was read, its values in the order of COMMAND_COLUMNS."""
    row = CommandRow(*values)
    row.read = values
    return row


def effect_of(values: Sequence[Any]) -> EffectRow:
    """A row as it was read, its values in the order of EFFECT_COLUMNS."""
    row = EffectRow(*values)
    row.read = values
    return row


def columns_of(row: CommandRow | EffectRow) -> tuple[str, ...]:
    """The names of the row's columns."""
    return COMMAND_COLUMNS if isinstance(row, CommandRow) else EFFECT_COLUMNS


def values_of(row: CommandRow | EffectRow) -> tuple[Any, ...]:
    """What the row's columns hold now, in the order of `columns_of`."""
    return _VALUES[type(row)](row)


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
