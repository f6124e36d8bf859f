"""What the tables are made of: names of constraints, and kinds of column."""

from typing import Any, Final

from sqlalchemy import BigInteger, CheckConstraint, Column, LargeBinary, MetaData, Text
from sqlalchemy import text as sql_text

from streams.ledger.columns import JsonText, UtcTime

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def text_column(name: str, *more: Any, null: bool = False, **options: Any) -> Column[str]:
    """A text; `null` allows none."""
    return Column(name, Text, *more, nullable=null, **options)


def time_column(name: str, *, null: bool = False) -> Column[Any]:
    """A moment in UTC."""
    return Column(name, UtcTime, nullable=null)


def json_column(name: str, *, null: bool = False) -> Column[Any]:
    """A JSON document."""
    return Column(name, JsonText, nullable=null)


def number_column(name: str, *, null: bool = False, default: int | None = None) -> Column[int]:
    """A whole number."""
    return Column(name, BigInteger, nullable=null, server_default=None if default is None else sql_text(str(default)))


def one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    """A check that a column holds one of the values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def bytes_column(name: str, *, null: bool = False) -> Column[bytes]:
    """Bytes."""
    return Column(name, LargeBinary, nullable=null)
