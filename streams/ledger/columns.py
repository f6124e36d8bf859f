"""Column types that mean the same in SQLite and PostgreSQL: times in UTC, JSON with exact decimals, row numbers."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Text, TypeDecorator
from sqlalchemy.types import TypeEngine

# Money stays exact: a number keeps its digits on the way in and comes back as a Decimal.
_encoder: Final = msgspec.json.Encoder(decimal_format="number")
_decoder: Final = msgspec.json.Decoder(float_hook=Decimal)


def to_json_text(value: Any) -> str:
    """JSON text of a value; decimals are written as numbers, digit for digit."""
    return _encoder.encode(value).decode()


class UtcTime(TypeDecorator[datetime]):
    """A time with its zone, stored in UTC. SQLite has no times: there it is text, as SQLAlchemy writes times too, with
    the zone taken off and put on again."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        # SQLAlchemy's own way from and to that text takes several times as long, and a row has five times.
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    # Functions of the column, and not methods of the type: SQLAlchemy calls those through two more of its own.
    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return _time_to_text if dialect.name == "sqlite" else _time_to_server

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        return _time_from_text if dialect.name == "sqlite" else _time_from_server


def _time_to_server(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError(f"a time without a zone: {value}")
    return value.astimezone(UTC)


# All that a transaction writes bears the same few times.
@lru_cache(maxsize=256)
def _time_to_text(value: datetime | None) -> str | None:
    in_utc = _time_to_server(value)
    return None if in_utc is None else in_utc.replace(tzinfo=None).isoformat(" ", "microseconds")


def _time_from_server(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


def _time_from_text(value: str | None) -> datetime | None:
    # With the zone in the text: `replace` would take ten times as long as reading it.
    return None if value is None else datetime.fromisoformat(value + "+00:00")


class JsonText(TypeDecorator[Any]):
    """Any JSON document as text, so that both dialects keep every digit and the order of fields."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str | None]:
        return _json_to_text

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        return _json_from_text


def _json_to_text(value: Any) -> str | None:
    return None if value is None else to_json_text(value)


def _json_from_text(value: str | None) -> Any:
    return None if value is None else _decoder.decode(value)


class LazyJson(Mapping[str, Any]):
    """A JSON object that is decoded when somebody looks at it; most documents are read along, and nobody does."""

    __slots__ = ("_object", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._object: Mapping[str, Any] | None = None

    def _decoded(self) -> Mapping[str, Any]:
        if self._object is None:
            self._object = _decoder.decode(self._text)
        return self._object

    def __getitem__(self, key: str) -> Any:
        return self._decoded()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._decoded())

    def __len__(self) -> int:
        return len(self._decoded())


# SQLite numbers rows by itself only where the key is INTEGER.
RowNumber: Final = BigInteger().with_variant(Integer(), "sqlite")
