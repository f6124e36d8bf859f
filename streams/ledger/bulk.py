"""Many rows at once, in either dialect."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Select, Table, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from streams.ledger.rows import CommandRow, EffectRow, columns_of, values_of

Row = Mapping[str, Any]


def _as_it_is(statement: Any) -> Any:
    return statement


async def insert(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Insert the rows; IntegrityError where a constraint does not allow one, and then none is inserted."""
    if rows:
        await _insert_all(connection, _insert(connection, table), table, rows)


async def insert_missing(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Insert the rows whose primary key is not there yet."""
    if rows:
        await _insert_all(connection, _insert(connection, table), table, rows, lambda one: one.on_conflict_do_nothing())


async def insert_if_missing(connection: AsyncConnection, table: Table, row: Row) -> bool:
    """Insert one row unless its primary key is there already; whether it was inserted."""
    done = await connection.execute(_insert(connection, table).values(dict(row)).on_conflict_do_nothing())
    return done.rowcount == 1


async def upsert(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Insert the rows, or put their values in the place of what is there under the same primary key."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]

    def or_update(statement: Any) -> Any:
        values = {name: statement.excluded[name] for name in rows[0] if name not in keys}
        return statement.on_conflict_do_update(index_elements=keys, set_=values)

    distinct = {tuple([row[name] for name in keys]): row for row in rows}
    await _insert_all(connection, _insert(connection, table), table, list(distinct.values()), or_update)


async def update_by(connection: AsyncConnection, table: Table, key: str, rows: Sequence[Row]) -> None:
    """Write the rows' values to the rows that have the same `key`; every row names the same columns."""
    if not rows:
        return
    rows = list({row[key]: row for row in rows}.values())
    names = [name for name in rows[0] if name != key]
    if connection.dialect.name == "postgresql":
        new = _as_table(table, rows[0]).subquery("new")
        statement = update(table).where(table.c[key] == new.c[f"_{key}"])
        values = {name: new.c[f"_{name}"] for name in names}
        await connection.execute(statement.values(values), _by_column(rows))
        return
    statement = update(table).where(table.c[key] == bindparam(f"_{key}"))
    values = {name: bindparam(f"_{name}", type_=table.c[name].type) for name in names}
    await connection.execute(statement.values(values), [{f"_{name}": row[name] for name in row} for row in rows])


async def save(connection: AsyncConnection, table: Table, key: str, rows: Sequence[CommandRow | EffectRow]) -> None:
    """Insert the new ones of the rows, and of each changed one update the columns that changed, and no others: what
    another transaction wrote into those since they were read must stay."""
    if not rows:
        return
    names = columns_of(rows[0])
    new = [values_of(row) for row in rows if row.new]
    await insert(connection, table, [dict(zip(names, values, strict=True)) for values in new])
    updates: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        if row.changed and not row.new:
            held = dict(zip(names, values_of(row), strict=True))
            columns = _changed(names, row.read, held)
            updates.setdefault(columns, []).append({key: held[key], **{name: held[name] for name in columns}})
    for columns, some in updates.items():
        if columns:
            await update_by(connection, table, key, some)
    for row in rows:
        row.new = row.changed = False
        row.read = values_of(row)


# Since when a command is ready belongs to its state. Others write it without holding the command's effect
# (streams.ledger.ready), so who changes the state writes it too, whatever was read.
_OF_STATE: Final = ("ready_since", "due_at")


def _changed(names: Sequence[str], read: Sequence[Any], held: Mapping[str, Any]) -> tuple[str, ...]:
    changed = {name for name, before in zip(names, read, strict=True) if before != held[name]}
    if "state" in changed:
        changed.update(_OF_STATE)
    return tuple(name for name in names if name in changed)


def _insert(connection: AsyncConnection, table: Table) -> Any:
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


async def _insert_all(
    connection: AsyncConnection,
    statement: Any,
    table: Table,
    rows: Sequence[Row],
    then: Callable[[Any], Any] = _as_it_is,
) -> None:
    if connection.dialect.name == "postgresql" and len({tuple(row) for row in rows}) == 1:
        chosen = statement.from_select(list(rows[0]), _as_table(table, rows[0]))
        await connection.execute(then(chosen), _by_column(rows))
    else:
        await connection.execute(then(statement), [dict(row) for row in rows])


# PostgreSQL takes the rows as one array a column: a row of its own costs client and server as much as all the rest.
def _as_table(table: Table, names: Iterable[str]) -> Select[Any]:
    arrays = (bindparam(f"_{name}", type_=postgresql.ARRAY(table.c[name].type, dimensions=1)) for name in names)
    return select(*(func.unnest(array).label(array.key) for array in arrays))


def _by_column(rows: Sequence[Row]) -> dict[str, list[Any]]:
    return {f"_{name}": [row[name] for row in rows] for name in rows[0]}
