"""Column types that mean the same in SQLite and PostgreSQL: times in UTC, JSON with exact decimals, row numbers."""

from datetime import UTC, datetime
from decimal import Decimal
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

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone: {value}")
        in_utc = value.astimezone(UTC)
        if dialect.name == "sqlite":
            return in_utc.replace(tzinfo=None).isoformat(" ", "microseconds")
        return in_utc

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        in_utc: datetime = value.astimezone(UTC)
        return in_utc


class JsonText(TypeDecorator[Any]):
    """Any JSON document as text, so that both dialects keep every digit and the order of fields."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else to_json_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else _decoder.decode(value)


# SQLite numbers rows by itself only where the key is INTEGER.
RowNumber: Final = BigInteger().with_variant(Integer(), "sqlite")
