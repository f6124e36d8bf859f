"""The way to the database: one writer, some readers, and errors that say what to do.

SQLite takes one writer at a time, so there is one writing connection and a lock in front of it; readers see the last
committed state meanwhile (WAL). PostgreSQL gets a pool for both.
"""

import asyncio
import errno
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool

from streams.ledger.errors import LedgerUnavailable

# How long to wait for another process (a person's command) to end its transaction.
_BUSY_TIMEOUT_S: Final = 5.0
_POOL_SIZE: Final = 5
# The write lock is taken at the start: a transaction that asks for it later can fail half-way.
_WRITE: Final = "BEGIN IMMEDIATE"


class Rollback(Exception):
    """Raised inside a transaction that was only tried."""


class Store:
    """Transactions on one ledger. `path` is the file of a SQLite ledger."""

    def __init__(self, url: str, *, busy_timeout_s: float = _BUSY_TIMEOUT_S) -> None:
        self.url: Final = _async_url(url)
        self.sqlite: Final = self.url.get_backend_name() == "sqlite"
        self._lock = asyncio.Lock()
        if self.sqlite:
            self._writer = _sqlite_engine(self.url, _WRITE, busy_timeout_s)
            self._reader = _sqlite_engine(self.url, "BEGIN", busy_timeout_s)
        else:
            self._writer = self._reader = create_async_engine(self.url, pool_size=_POOL_SIZE, pool_pre_ping=True)
        self._held: AsyncConnection | None = None

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that may write; committed at the end, rolled back on any exception.

        Raises LedgerUnavailable; what a row does not allow (IntegrityError, DataError) comes as it is.
        """
        if not self.sqlite:
            async with self._errors_named(), self._writer.begin() as connection:
                yield connection
            return
        async with self._lock, self._errors_named():
            if self._held is None or self._held.closed or self._held.invalidated:
                self._held = await self._writer.connect()
            async with self._held.begin():
                yield self._held

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that sees one committed state of the ledger and writes nothing."""
        async with self._errors_named(), self._reader.connect() as connection:
            if not self.sqlite:
                await connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    async def close(self) -> None:
        """Close every connection."""
        async with self._lock:
            if self._held is not None:
                await self._held.close()
                self._held = None
            await self._writer.dispose()
            await self._reader.dispose()

    @asynccontextmanager
    async def _errors_named(self) -> AsyncIterator[None]:
        try:
            yield
        except (DBAPIError, OSError, sqlite3.Error) as error:
            if is_data_fault(error):
                raise
            raise unavailable(error, self.url) from error


def is_data_fault(error: BaseException) -> bool:
    """Whether the rows are at fault and not the database: it would fail again, however often it is tried."""
    if isinstance(error, IntegrityError | DataError | OverflowError | UnicodeError):
        return True
    if isinstance(error, StatementError) and not isinstance(error, DBAPIError):
        return True
    # SQLSTATE classes 22 (data exception, such as U+0000 in text) and 23 (integrity).
    state = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    return str(state).startswith(("22", "23"))


def unavailable(error: BaseException, url: URL) -> LedgerUnavailable:
    """The error as a sentence with a remedy."""
    where = url.database if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)
    words = str(getattr(error, "orig", None) or error)
    lower = words.lower()
    if "full" in lower or getattr(error, "errno", None) == errno.ENOSPC:
        remedy = "The disk is full: free some space there. Nothing was lost, and the worker goes on from where it was."
    elif "locked" in lower or "busy" in lower:
        remedy = "Another process holds it: end that process, or wait until it is done."
    elif "readonly" in lower or "permission" in lower or "unable to open" in lower:
        remedy = "Make the file and its folder writable for this user, or set LEDGERSTREAM_LEDGER_URL to another place."
    elif "malformed" in lower or "not a database" in lower:
        remedy = "The file is damaged: put back the last backup of it and start again, or name another file."
    else:
        remedy = "See that the database runs and can be reached at that address, then start again."
    return LedgerUnavailable(f"The ledger at {where} cannot be used: {words}. {remedy}")


def _async_url(url: str) -> URL:
    parsed = make_url(url)
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
    backend = parsed.get_backend_name()
    if backend not in drivers:
        raise ValueError(f"LEDGERSTREAM_LEDGER_URL: got {backend}, expected sqlite:///FILE or postgresql://HOST/NAME")
    return parsed.set(drivername=drivers[backend])


def _sqlite_engine(url: URL, begin: str, busy_timeout_s: float) -> AsyncEngine:
    engine = create_async_engine(
        url,
        poolclass=NullPool if begin == _WRITE else AsyncAdaptedQueuePool,
        connect_args={"isolation_level": None, "timeout": busy_timeout_s},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        # The mode stays in the file: who only reads need not, and may not, change it.
        mode = ("journal_mode=WAL",) if begin == _WRITE else ()
        for pragma in (*mode, "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    # The driver's own transactions begin late and end early; ours begin and end where the code says so.
    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
