"""The two tables in a company's database: the outbox, and the one row that says which poller leads."""

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    Float,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    cast,
    extract,
    func,
    literal_column,
    type_coerce,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Dialect as SqlDialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from connectors.outbox.address import Dialect

POLLER_SUFFIX: Final = "_poller"


class Moment(TypeDecorator[datetime]):
    """A time in UTC, in each dialect's own way: timestamptz, TIMESTAMP(6) of a session in UTC, ISO 8601 text."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: SqlDialect) -> TypeEngine[Any]:
        match dialect.name:
            case "sqlite":
                return dialect.type_descriptor(String())
            case "postgresql":
                return dialect.type_descriptor(DateTime(timezone=True))
            case _:
                return dialect.type_descriptor(mysql.TIMESTAMP(fsp=6))

    def process_bind_param(self, value: datetime | None, dialect: SqlDialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        in_utc = value.astimezone(UTC)
        if dialect.name == "sqlite":
            return in_utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return in_utc.replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: SqlDialect) -> datetime | None:
        """None too for a text that is no time: SQLite keeps anything, and PostgreSQL knows more times than we do."""
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                return None
        if not isinstance(value, datetime):
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class Tables:
    """The tables by the name in the configuration, with a schema (`sales.outbox`) or without."""

    def __init__(self, name: str) -> None:
        schema, _, plain = name.rpartition(".")
        metadata = MetaData(schema=schema or None)
        self.outbox = Table(
            plain,
            metadata,
            Column("position", BigInteger, primary_key=True),
            Column("id", Text),
            Column("aggregatetype", Text),
            Column("aggregateid", Text),
            Column("type", Text),
            Column("payload", Text),
            Column("sequence", BigInteger),
            Column("created_at", Moment),
            Column("attempts", Integer),
            Column("published_at", Moment),
            Column("rejected_at", Moment),
            Column("error", Text),
        )
        self.poller = Table(
            plain + POLLER_SUFFIX,
            metadata,
            Column("only_row", Integer, primary_key=True),
            Column("leader", String(255)),
            Column("lease_until_ms", BigInteger),
            Column("error", Text),
            Column("error_at", Moment),
        )


def now_ms(dialect: Dialect) -> ColumnElement[int]:
    """The database's own clock, in milliseconds since 1970: leases go by it, whatever the pollers' clocks say."""
    match dialect:
        case "postgresql":
            seconds: ColumnElement[Any] = extract("epoch", func.clock_timestamp())
        case "mysql":
            # func.sysdate() knows no fractions of a second.
            seconds = literal_column("unix_timestamp(sysdate(6))", Numeric)
        case "sqlite":
            seconds = (type_coerce(func.julianday("now"), Float) - 2440587.5) * 86400.0
    return cast(seconds * 1000, Integer if dialect == "sqlite" else BigInteger)
