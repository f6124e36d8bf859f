"""A column's value among many keys, as one parameter: the statement is the same for any number of keys.

`column IN (?, ?, ...)` is another statement for each number of keys. SQLAlchemy writes it out and SQLite prepares it
every time, which costs more than finding the rows.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import BindParameter, ColumnElement, Dialect, Text, TypeDecorator, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine


class _Texts(TypeDecorator[Sequence[str]]):
    """A list of texts: an array in PostgreSQL, JSON in SQLite, which has no arrays."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else ARRAY(Text()))

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        return _as_json if dialect.name == "sqlite" else None


def _as_json(keys: Sequence[str]) -> str:
    return orjson.dumps(keys).decode()


class _Among(FunctionElement[Any]):
    """The condition; its parts are the column and the parameter. It has no type: to a Boolean SQLAlchemy adds `= 1`
    for SQLite, and then no index is used."""

    inherit_cache = True
    name = "among"


# For statements that are put together once: `execute(statement, {"keys": [...]})`.
KEYS: Final[BindParameter[Any]] = bindparam("keys", type_=_Texts())


def among(column: ColumnElement[Any], keys: list[str] | BindParameter[Any]) -> ColumnElement[bool]:
    """Whether the text column holds one of the keys, which are given, or by KEYS when the statement is executed."""
    given = keys if isinstance(keys, BindParameter) else bindparam(None, keys, type_=_Texts(), unique=True)
    return _Among(column, given)


@compiles(_Among, "sqlite")
def _in_sqlite(element: _Among, compiler: Any, **more: Any) -> str:
    column, keys = (compiler.process(part, **more) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({keys}))"  # noqa: S608  # both are what SQLAlchemy made of them


@compiles(_Among, "postgresql")
def _in_postgresql(element: _Among, compiler: Any, **more: Any) -> str:
    column, keys = (compiler.process(part, **more) for part in element.clauses)
    return f"{column} = ANY ({keys})"
