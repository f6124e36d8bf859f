"""PostgreSQL's engines, and what every connection of ours insists on."""

from typing import Any, Final

import asyncpg
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_CONNECT_S: Final = 5.0
_POOL: Final = {"pool_size": 5, "max_overflow": 3, "pool_timeout": 30.0}
_READ_POOL: Final = {"pool_size": 3, "max_overflow": 2, "pool_timeout": 30.0}
_STATEMENT_S: Final = 60
_LONG_READ_S: Final = 600
# The server ends a statement in good time; only where the network is gone does the client give up by itself.
_NO_WORD_S: Final = 15
# A process that stands still within a transaction loses it, and with it the locks that others wait for; they wait for
# longer than that.
_STANDSTILL_S: Final = 5
_LOCK_S: Final = 30

_SETTINGS: Final = {
    "application_name": "ledgerstream",
    # Whatever the database's default is: an order that was acknowledged is on disk.
    "synchronous_commit": "on",
    "idle_in_transaction_session_timeout": f"{_STANDSTILL_S}s",
    "lock_timeout": f"{_LOCK_S}s",
    # Our statements are short and many: compiling them costs more than it saves.
    "jit": "off",
}


def engines(url: URL) -> tuple[AsyncEngine, AsyncEngine]:
    """The engine that writes (READ COMMITTED) and the one that reads (one snapshot, read only)."""
    writer = _engine(url, _STATEMENT_S, {}, _POOL)
    settings = {"default_transaction_read_only": "on"}
    reader = _engine(url, _LONG_READ_S, settings, {**_READ_POOL, "isolation_level": "REPEATABLE READ"})
    return writer, reader


def _engine(url: URL, statement_s: int, more: dict[str, str], options: dict[str, Any]) -> AsyncEngine:
    # The driver reads the address itself, so that everything libpq's addresses may say (sslmode, hosts) is understood.
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    settings = {**_SETTINGS, "statement_timeout": f"{statement_s}s", **more}

    async def connect() -> Any:
        return await asyncpg.connect(
            address, timeout=_CONNECT_S, command_timeout=statement_s + _NO_WORD_S, server_settings=settings
        )

    return create_async_engine(url, async_creator=connect, **options)
