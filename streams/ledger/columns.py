"""Column types that mean the same in SQLite and PostgreSQL: times in UTC, JSON with exact decimals, row numbers."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Text, TypeDecorator

# Money stays exact: a number keeps its digits on the way in and comes back as a Decimal.
_encoder: Final = msgspec.json.Encoder(decimal_format="number")
_decoder: Final = msgspec.json.Decoder(float_hook=Decimal)


def to_json_text(value: Any) -> str:
    """JSON text of a value; decimals are written as numbers, digit for digit."""
    return _encoder.encode(value).decode()


class UtcTime(TypeDecorator[datetime]):
    """A time with its zone, stored in UTC. SQLite has no zones, so the zone is taken off and put on again."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone: {value}")
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


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
