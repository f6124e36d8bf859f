"""The way to the database: transactions that write, transactions that read, and errors that say what to do.

SQLite takes one writer at a time, so there is one writing connection and a lock in front of it; readers see the last
committed state meanwhile (WAL). PostgreSQL has pools for both; writers see what was committed before each of their
statements (READ COMMITTED), and `streams.ledger.locks` says who waits for whom.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from streams.ledger import postgres, sqlite
from streams.ledger.errors import LedgerUnavailable
from streams.ledger.faults import DRIVER_ERRORS, is_away, is_conflict, is_data_fault, is_held, unavailable
from streams.ledger.receipts import Receipt, receipt_for
from streams.ledger.repeat import TryAgain, repeated

# How long to wait for another process (a person's command) to end its transaction.
_BUSY_TIMEOUT_S: Final = 5.0


class Rollback(Exception):
    """Raised inside a transaction that was only tried."""


class Store:
    """Transactions on one ledger. `path` is the file of a SQLite ledger."""

    def __init__(self, url: str, *, busy_timeout_s: float = _BUSY_TIMEOUT_S) -> None:
        self.url: Final = _async_url(url)
        self.sqlite: Final = self.url.get_backend_name() == "sqlite"
        self._lock = asyncio.Lock()
        self._writer, self._reader = (
            sqlite.engines(self.url, busy_timeout_s) if self.sqlite else postgres.engines(self.url)
        )
        self._held: AsyncConnection | None = None

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that may write; committed at the end, rolled back on any exception.

        Raises LedgerUnavailable (TryAgain where it may succeed now); what a row does not allow (IntegrityError,
        DataError) comes as it is.
        """
        if not self.sqlite:
            async with self._errors_named(), self._writer.connect() as connection:
                async with _ended(connection):
                    yield connection
                    await self._commit(connection)
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
            yield connection

    async def close(self) -> None:
        """Close every connection."""
        async with self._lock:
            if self._held is not None:
                await self._held.close()
                self._held = None
            await self._writer.dispose()
            await self._reader.dispose()

    async def _commit(self, connection: AsyncConnection) -> None:
        receipt = await receipt_for(connection)
        await receipt.leave(connection)
        try:
            await connection.commit()
        except DRIVER_ERRORS as error:
            if not is_away(error):
                raise
            await connection.invalidate()
            if not await self._was_committed(receipt):
                raise

    async def _was_committed(self, receipt: Receipt) -> bool:
        @repeated
        async def look() -> bool:
            async with self._errors_named():
                return await receipt.is_there(self._writer)

        try:
            return await look()
        except LedgerUnavailable as error:
            # Not to be repeated: what was written may be there.
            raise LedgerUnavailable(f"{error} A commit was not answered before, so its work may be done.") from error

    @asynccontextmanager
    async def _errors_named(self) -> AsyncIterator[None]:
        try:
            yield
        except DRIVER_ERRORS as error:
            if is_data_fault(error):
                raise
            named = unavailable(error, self.url)
            held = is_held(error)
            if held:
                # What cannot be done now, the next one who waits in vain tries again; the lock's error is told.
                with contextlib.suppress(*DRIVER_ERRORS):
                    await postgres.end_standstill(self._writer)
            if not self.sqlite and (held or is_away(error) or is_conflict(error)):
                raise TryAgain(str(named), away=held or is_away(error)) from error
            raise named from error


@asynccontextmanager
async def _ended(connection: AsyncConnection) -> AsyncIterator[None]:
    """Roll back what failed. A connection that broke, or whose server says nothing, is not used again."""
    try:
        yield
    except DRIVER_ERRORS as error:
        with contextlib.suppress(*DRIVER_ERRORS):
            await (connection.invalidate() if is_away(error) else connection.rollback())
        raise


def _async_url(url: str) -> URL:
    parsed = make_url(url)
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
    backend = parsed.get_backend_name()
    if backend not in drivers:
        raise ValueError(f"LEDGERSTREAM_LEDGER_URL: got {backend}, expected sqlite:///FILE or postgresql://HOST/NAME")
    return parsed.set(drivername=drivers[backend])
