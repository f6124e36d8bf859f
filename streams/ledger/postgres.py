"""PostgreSQL's engines, and what every connection of ours insists on."""

from typing import Any, Final

import asyncpg
import structlog
from sqlalchemy import text
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
# longer than that, and more than once.
_STANDSTILL_S: Final = 5
_LOCK_S: Final = 10
_NAME: Final = "ledgerstream"

_SETTINGS: Final = {
    "application_name": _NAME,
    # Whatever the database's default is: an order that was acknowledged is on disk.
    "synchronous_commit": "on",
    "idle_in_transaction_session_timeout": f"{_STANDSTILL_S}s",
    "lock_timeout": f"{_LOCK_S}s",
    # Our statements are short and many: compiling them costs more than it saves.
    "jit": "off",
}

_log = structlog.get_logger()


def engines(url: URL) -> tuple[AsyncEngine, AsyncEngine]:
    """The engine that writes (READ COMMITTED) and the one that reads (one snapshot, read only)."""
    writer = _engine(url, _STATEMENT_S, {}, _POOL)
    settings = {"default_transaction_read_only": "on"}
    reader = _engine(url, _LONG_READ_S, settings, {**_READ_POOL, "isolation_level": "REPEATABLE READ"})
    return writer, reader


# Between preparing a statement and running it the server counts a session as active, and neither of its timeouts ends
# one whose process stands still just then.
_END_STANDSTILL: Final = text(
    "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    "AND usename = current_user AND application_name = :name AND state = 'active' AND wait_event = 'ClientRead' "
    "AND pid <> pg_backend_pid() AND state_change < clock_timestamp() - make_interval(secs => :seconds)"
)


async def end_standstill(engine: AsyncEngine) -> None:
    """End the sessions of processes of ours that stand still within a transaction. Whoever waited in vain for a lock
    calls it. The process itself finds a broken connection when it goes on, and begins anew."""
    async with engine.connect() as connection:
        found = (await connection.execute(_END_STANDSTILL, {"name": _NAME, "seconds": _STANDSTILL_S})).scalars().all()
    if found:
        pids = ", ".join(map(str, found))
        _log.warning("sessions ended", reason=f"a process of ours stood still and held locks: PostgreSQL's {pids}")


def _engine(url: URL, statement_s: int, more: dict[str, str], options: dict[str, Any]) -> AsyncEngine:
    # The driver reads the address itself, so that everything libpq's addresses may say (sslmode, hosts) is understood.
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    settings = {**_SETTINGS, "statement_timeout": f"{statement_s}s", **more}

    async def connect() -> Any:
        return await asyncpg.connect(
            address, timeout=_CONNECT_S, command_timeout=statement_s + _NO_WORD_S, server_settings=settings
        )

    return create_async_engine(url, async_creator=connect, **options)
