"""Connections to a company's database: few, short, and never in its way."""

import sqlite3
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from connectors.addresses import ESCAPED
from connectors.outbox.address import dialect_of, without_driver
from connectors.outbox.errors import OutboxUnavailable

_CONNECT_S: Final = 5.0
# How long we wait for a lock that the application holds.
_LOCK_S: Final = 5
STATEMENT_S: Final = 30.0
# A poller and a person's command need one each; the database belongs to the application.
_POOL: Final[Mapping[str, Any]] = {"pool_size": 1, "max_overflow": 1, "hide_parameters": True}


def create_engine(url: str) -> AsyncEngine:
    """An engine; it connects at its first use. Raises OutboxUnavailable for an address that cannot be read, and where
    the driver is not installed."""
    dialect = dialect_of(url)
    try:
        parsed = make_url(without_driver(url))
    except (ArgumentError, ValueError):
        raise OutboxUnavailable(
            f"the database's address cannot be read: write it as SCHEME://USER:PASSWORD@HOST:PORT/NAME, {ESCAPED}."
        ) from None
    match dialect:
        case "postgresql":
            return _postgresql(parsed)
        case "mysql":
            return _mysql(parsed)
        case "sqlite":
            return _sqlite(parsed)


def _postgresql(url: URL) -> AsyncEngine:
    # The driver reads the address itself, so that everything libpq's addresses may say (sslmode, hosts) is understood.
    address = url.render_as_string(hide_password=False)
    settings = {
        "application_name": "ledgerstream outbox",
        "statement_timeout": f"{STATEMENT_S:g}s",
        "lock_timeout": f"{_LOCK_S}s",
        "idle_in_transaction_session_timeout": "10s",
    }

    async def connect() -> Any:
        return await asyncpg.connect(address, timeout=_CONNECT_S, command_timeout=STATEMENT_S, server_settings=settings)

    return create_async_engine(url.set(drivername="postgresql+asyncpg"), async_creator=connect, **_POOL)


def _mysql(url: URL) -> AsyncEngine:
    options: dict[str, Any] = {
        "connect_timeout": _CONNECT_S,
        "charset": "utf8mb4",
        "init_command": f"SET time_zone = '+00:00', innodb_lock_wait_timeout = {_LOCK_S}",
    }
    if "ssl_ca" in url.query:
        options["ssl"] = ssl.create_default_context(cafile=str(url.query["ssl_ca"]))
    try:
        return create_async_engine(
            url.set(drivername="mysql+aiomysql").difference_update_query(["ssl_ca"]),
            connect_args=options,
            isolation_level="READ COMMITTED",
            **_POOL,
        )
    except ModuleNotFoundError:
        raise OutboxUnavailable(
            "the driver for MySQL and MariaDB is not installed: pip install 'ledgerstream[mysql]'"
        ) from None


def _sqlite(url: URL) -> AsyncEngine:
    path = url.database or ""
    # mode=rw: a file that is not there is an error, and not made.
    file = URL.create("sqlite+aiosqlite", database=f"file:{quote(path)}", query={"mode": "rw", "uri": "true"})
    engine = create_async_engine(file, connect_args={"timeout": _LOCK_S}, **_POOL)

    @event.listens_for(engine.sync_engine, "do_connect")
    def _look(*_arguments: object) -> None:
        # The driver starts a thread for each connection, and leaves it to itself when the file cannot be opened.
        if not Path(path).exists():
            raise sqlite3.OperationalError("unable to open database file")

    @event.listens_for(engine.sync_engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        # One text that is no UTF-8 must not hide the rows beside it.
        connection.driver_connection.text_factory = _text

    return engine


def _text(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")
