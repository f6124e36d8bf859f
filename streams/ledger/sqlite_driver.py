"""One step into SQLite's thread for each statement.

SQLAlchemy's own way through aiosqlite takes four: a cursor, the statement, its rows, the end of the cursor. Each costs
as much as looking up a row.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, Final

import aiosqlite

_ROWS_AT_ONCE: Final = 64


async def connect(database: str, busy_timeout_s: float) -> aiosqlite.Connection:
    """A connection whose transactions begin and end where the caller says so."""
    return await Connection(
        lambda: sqlite3.connect(database, isolation_level=None, timeout=busy_timeout_s, check_same_thread=False)
    )


class Connection(aiosqlite.Connection):
    """aiosqlite's connection and thread with another cursor."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, _ROWS_AT_ONCE)
        # What was not closed must not keep the process from ending.
        self._thread.daemon = True

    def cursor(self) -> "Cursor":  # type: ignore[override]  # What SQLAlchemy enters is ready at once.
        return Cursor(self._conn, self._execute)


class Cursor:
    """What SQLAlchemy asks of a cursor. The rows are here when `execute` returns."""

    def __init__(self, connection: sqlite3.Connection, in_thread: Callable[..., Awaitable[Any]]) -> None:
        self._connection = connection
        self._in_thread = in_thread
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> "Cursor":
        return self

    async def execute(self, operation: str, parameters: Any = ()) -> None:
        await self._in_thread(partial(self._run, self._connection.execute, operation, parameters))

    async def executemany(self, operation: str, parameters: Iterable[Any]) -> None:
        await self._in_thread(partial(self._run, self._connection.executemany, operation, parameters))

    async def fetchall(self) -> list[Any]:
        return self._rows

    async def close(self) -> None:
        self._rows = []

    def _run(self, execute: Callable[[str, Any], sqlite3.Cursor], operation: str, parameters: Any) -> None:
        cursor = execute(operation, parameters)
        try:
            self.description = cursor.description
            self._rows = cursor.fetchall() if cursor.description else []
            self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        finally:
            cursor.close()
