"""An outbox in a company's database: every statement that a poller and people send there.

Rows are told apart by a mark on each (`published_at`, `rejected_at`), never by a position up to which all were seen:
positions are given before a transaction commits, so one that commits late would be passed over.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Text, cast, delete, func, literal, select, text, type_coerce, update
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.outbox import ddl
from connectors.outbox.address import dialect_of
from connectors.outbox.engine import STATEMENT_S, create_engine
from connectors.outbox.errors import LeaseLost, OutboxUnavailable
from connectors.outbox.event import Row
from connectors.outbox.faults import DRIVER_ERRORS, unavailable
from connectors.outbox.figures import COUNTED_MAX, Figures, RejectedRow
from connectors.outbox.tables import Moment, Tables, now_ms
from schemas.codec import BODY_BYTES_MAX

_DELETED_AT_ONCE: Final = 1000
_ERROR_CHARACTERS_MAX: Final = 1000


class Outbox:
    """One outbox. Every method raises OutboxUnavailable; it connects at its first use, and anew after an error."""

    def __init__(self, url: str, table: str) -> None:
        self._url = url
        self._table = table
        self._dialect = dialect_of(url)
        self._engine = create_engine(url)
        tables = Tables(table)
        self._outbox = tables.outbox
        self._poller = tables.poller
        self._now_ms = now_ms(self._dialect)
        rows = self._outbox.c
        # As text, because a time that no calendar of ours has (a year 20000) must not hide the rows beside it.
        self._created_at = type_coerce(cast(rows.created_at, Text), Moment)
        self._is_waiting = (rows.published_at.is_(None), rows.rejected_at.is_(None))
        # A row that was discarded has both marks.
        self._is_rejected = (rows.published_at.is_(None), rows.rejected_at.is_not(None))

    async def close(self) -> None:
        """Close the connections. One that does not end in a second is left to the server."""
        with suppress(TimeoutError, *DRIVER_ERRORS):
            async with asyncio.timeout(1.0):
                await self._engine.dispose()

    def statements(self, now: datetime) -> tuple[str, ...]:
        """What `install` runs."""
        return ddl.statements(self._dialect, self._table, now)

    async def install(self, now: datetime) -> None:
        """Make what is not there yet."""
        async with self._connection() as connection:
            for statement in self.statements(now):
                await connection.execute(text(statement.replace(":", "\\:")))

    async def lead(self, owner: str, lease_s: float) -> bool:
        """Whether this poller leads for so long from now: it takes the lease if nobody has it, or prolongs its own."""
        poller = self._poller.c
        free = poller.lease_until_ms < self._now_ms
        async with self._connection() as connection:
            return await self._lease(connection, owner, lease_s, (poller.leader == owner) | free)

    async def release(self, owner: str) -> None:
        """Let another poller lead at once."""
        statement = update(self._poller).where(self._poller.c.leader == owner).values(leader="", lease_until_ms=0)
        async with self._connection() as connection:
            await connection.execute(statement)

    async def waiting(self, limit: int) -> Sequence[Row]:
        """The rows to publish now, the first ones first. They are in order for each aggregate, if those who write
        events of one aggregate wait for each other, as they do where they change the aggregate's own row before."""
        rows = self._outbox.c
        # What is too large to be an event is not read whole.
        payload = func.substr(cast(rows.payload, Text), 1, BODY_BYTES_MAX + 1)
        columns = (*(cast(rows[name], Text) for name in ("id", "aggregatetype", "aggregateid", "type")), payload)
        statement = (
            select(rows.position, *columns, rows.sequence, self._created_at)
            .where(*self._is_waiting)
            .order_by(rows.position)
            .limit(limit)
        )
        async with self._connection() as connection:
            return [_row(*found) for found in await connection.execute(statement)]

    async def settle(
        self,
        owner: str,
        lease_s: float,
        now: datetime,
        *,
        published: Collection[int],
        rejected: Mapping[int, str],
        failed: Collection[int] = (),
    ) -> None:
        """Mark rows, by position: acknowledged by Kafka, rejected for a reason, or tried in vain. Prolongs the lease.
        Raises LeaseLost, and changes nothing, where another poller has led since."""
        rows = self._outbox.c
        tried = update(self._outbox).values(attempts=rows.attempts + 1)
        async with self._connection() as connection:
            if not await self._lease(connection, owner, lease_s, self._poller.c.leader == owner):
                raise LeaseLost
            if published:
                await connection.execute(tried.where(rows.position.in_(published)).values(published_at=now))
            for position, reason in rejected.items():
                values = {"rejected_at": now, "error": reason[:_ERROR_CHARACTERS_MAX]}
                await connection.execute(tried.where(rows.position == position).values(values))
            if failed:
                await connection.execute(tried.where(rows.position.in_(failed)))

    async def note_error(self, owner: str, error: str, now: datetime) -> None:
        """Tell `status` what the leader met."""
        statement = update(self._poller).where(self._poller.c.leader == owner)
        async with self._connection() as connection:
            await connection.execute(statement.values(error=error[:_ERROR_CHARACTERS_MAX], error_at=now))

    async def prune(self, before: datetime) -> int:
        """Delete up to a thousand rows that were published before then; how many there were."""
        rows = self._outbox.c
        old = select(rows.position).where(rows.published_at < before).limit(_DELETED_AT_ONCE)
        async with self._connection() as connection:
            positions = [row[0] for row in await connection.execute(old)]
        if positions:
            async with self._connection() as connection:
                await connection.execute(delete(self._outbox).where(rows.position.in_(positions)))
        return len(positions)

    async def prunable(self, before: datetime) -> int:
        """How many rows `prune` would delete in all."""
        async with self._connection() as connection:
            return await self._count(connection, self._outbox.c.published_at < before)

    async def figures(self) -> Figures:
        """How it stands."""
        rows, poller = self._outbox.c, self._poller.c
        async with self._connection() as connection:
            waiting = await self._count(connection, *self._is_waiting)
            oldest = select(self._created_at).where(*self._is_waiting).order_by(rows.position).limit(1)
            since = (await connection.execute(oldest)).scalar()
            rejected = await self._count(connection, *self._is_rejected)
            leads = (poller.lease_until_ms >= self._now_ms).label("leads")
            state = (await connection.execute(select(poller.leader, leads, poller.error, poller.error_at))).first()
        leader, leads_now, error, error_at = state or ("", False, None, None)
        return Figures(
            waiting=waiting,
            oldest=since,
            rejected=rejected,
            leader=leader if leads_now and leader else None,
            lapsed=None if leads_now else leader or None,
            error=error,
            error_at=error_at,
        )

    async def rejected(self, limit: int) -> Sequence[RejectedRow]:
        """The rows that wait for a person, the first ones first."""
        rows = self._outbox.c
        statement = select(rows.position, cast(rows.id, Text), rows.error, rows.rejected_at)
        statement = statement.where(*self._is_rejected).order_by(rows.position).limit(limit)
        async with self._connection() as connection:
            return [
                RejectedRow(position=position, id=str(id_), reason=error or "", rejected_at=at)
                for position, id_, error, at in await connection.execute(statement)
            ]

    async def discard(self, positions: Collection[int], why: str, now: datetime) -> None:
        """End rejected rows without sending them; `why` stands before their error until they are pruned."""
        rows = self._outbox.c
        error = func.substr(literal(why, Text) + " " + func.coalesce(rows.error, ""), 1, _ERROR_CHARACTERS_MAX)
        statement = update(self._outbox).where(rows.position.in_(positions), *self._is_rejected)
        async with self._connection() as connection:
            await connection.execute(statement.values(published_at=now, error=error))

    async def are_rejected(self, positions: Collection[int]) -> Sequence[int]:
        """Those of the positions that are rejected rows."""
        rows = self._outbox.c
        statement = select(rows.position).where(rows.position.in_(positions), *self._is_rejected)
        async with self._connection() as connection:
            return [row[0] for row in await connection.execute(statement.order_by(rows.position))]

    async def _lease(self, connection: AsyncConnection, owner: str, lease_s: float, where: Any) -> bool:
        until = self._now_ms + int(lease_s * 1000)
        done = await connection.execute(update(self._poller).where(where).values(leader=owner, lease_until_ms=until))
        if done.rowcount != 1 and not (await connection.execute(select(self._poller.c.only_row))).first():
            raise OutboxUnavailable(
                f"{self._poller.fullname} has no row: run `ledgerstream outbox install SOURCE`, which adds it."
            )
        return done.rowcount == 1

    async def _count(self, connection: AsyncConnection, *where: Any) -> int:
        some = select(self._outbox.c.position).where(*where).limit(COUNTED_MAX).subquery()
        return int((await connection.execute(select(func.count()).select_from(some))).scalar_one())

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        """One transaction. After an error every connection is made anew, because one may not know that it is broken."""
        try:
            async with asyncio.timeout(STATEMENT_S), self._engine.begin() as connection:
                yield connection
        except DRIVER_ERRORS as error:
            await self.close()
            raise unavailable(error, self._url) from error


def _row(position: int, *columns: Any) -> Row:
    id_, aggregatetype, aggregateid, type_, payload, sequence, created_at = columns
    return Row(
        position=position,
        id=id_,
        aggregatetype=aggregatetype,
        aggregateid=aggregateid,
        type=type_,
        payload=payload,
        # SQLite keeps whatever was written.
        sequence=sequence if sequence is None or isinstance(sequence, int) else str(sequence),
        created_at=created_at,
    )
