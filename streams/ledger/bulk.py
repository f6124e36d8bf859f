"""Many rows at once, in either dialect."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, bindparam, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from streams.ledger.rows import CommandRow, EffectRow, columns_of, values_of

Row = Mapping[str, Any]


async def insert(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Insert the rows; IntegrityError where a constraint does not allow one, and then none is inserted."""
    if rows:
        await connection.execute(table.insert(), [dict(row) for row in rows])


async def insert_missing(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Insert the rows whose primary key is not there yet."""
    if rows:
        await connection.execute(_insert(connection, table).on_conflict_do_nothing(), [dict(row) for row in rows])


async def insert_if_missing(connection: AsyncConnection, table: Table, row: Row) -> bool:
    """Insert one row unless its primary key is there already; whether it was inserted."""
    done = await connection.execute(_insert(connection, table).values(dict(row)).on_conflict_do_nothing())
    return done.rowcount == 1


async def upsert(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Insert the rows, or put their values in the place of what is there under the same primary key."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    statement = _insert(connection, table)
    statement = statement.on_conflict_do_update(
        index_elements=keys, set_={name: statement.excluded[name] for name in rows[0] if name not in keys}
    )
    await connection.execute(statement, [dict(row) for row in rows])


async def update_by(connection: AsyncConnection, table: Table, key: str, rows: Sequence[Row]) -> None:
    """Write the rows' values to the rows that have the same `key`; every row names the same columns."""
    if not rows:
        return
    columns = [name for name in rows[0] if name != key]
    statement = (
        update(table)
        .where(table.c[key] == bindparam(f"the_{key}"))
        .values({name: bindparam(f"new_{name}", type_=table.c[name].type) for name in columns})
    )
    await connection.execute(
        statement, [{f"the_{key}": row[key], **{f"new_{name}": row[name] for name in columns}} for row in rows]
    )


async def save(connection: AsyncConnection, table: Table, key: str, rows: Sequence[CommandRow | EffectRow]) -> None:
    """Insert the new ones of the rows, and of the changed ones update the columns in which any of them changed."""
    if not rows:
        return
    names = columns_of(rows[0])
    new = [values_of(row) for row in rows if row.new]
    await insert(connection, table, [dict(zip(names, values, strict=True)) for values in new])
    changed = [(row.read, values_of(row)) for row in rows if row.changed and not row.new]
    places = [at for at in range(len(names)) if any(before[at] != now[at] for before, now in changed)]
    if places:
        at_key = names.index(key)
        updates = [{key: now[at_key], **{names[at]: now[at] for at in places}} for _, now in changed]
        await update_by(connection, table, key, updates)
    for row in rows:
        row.new = row.changed = False
        row.read = values_of(row)


def _insert(connection: AsyncConnection, table: Table) -> Any:
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
