"""SQLite's engines: one for the connection that writes, one for those that read."""

from functools import partial
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool

from streams.ledger import sqlite_driver

# The write lock is taken at the start: a transaction that asks for it later can fail half-way.
_WRITE: Final = "BEGIN IMMEDIATE"
_READ: Final = "BEGIN"
_PRAGMAS: Final = ("synchronous=FULL", "foreign_keys=ON")


def engines(url: URL, busy_timeout_s: float) -> tuple[AsyncEngine, AsyncEngine]:
    """The engine that writes and the one that reads. `busy_timeout_s`: how long one waits for another process."""
    return _engine(url, _WRITE, busy_timeout_s), _engine(url, _READ, busy_timeout_s)


def _engine(url: URL, begin: str, busy_timeout_s: float) -> AsyncEngine:
    engine = create_async_engine(
        url,
        poolclass=NullPool if begin == _WRITE else AsyncAdaptedQueuePool,
        async_creator=partial(sqlite_driver.connect, url.database or "", busy_timeout_s),
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        # The mode stays in the file: who only reads need not, and may not, change it.
        mode = ("journal_mode=WAL",) if begin == _WRITE else ()
        for pragma in (*mode, *_PRAGMAS):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    # The driver's own transactions begin late and end early; ours begin and end where the code says so.
    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
