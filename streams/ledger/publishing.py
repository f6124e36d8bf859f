"""The outbox: transitions and news that Kafka was not told yet; one worker at a time tells it, so they keep order."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.dead_letter import DeadLetter, OutcomeRecord
from schemas.envelope import Envelope
from streams.clock import Clock
from streams.ledger import dead_letters, tables, tables_hearing
from streams.ledger.engine import Store
from streams.ledger.leases import Lease, Leases
from streams.ledger.repeat import repeated
from streams.ledger.rows import chunks

_transitions: Final = tables.transitions
_news: Final = tables_hearing.news
# Its lease stands beside those of the tenants, whose names are those of files.
_OUTBOX: Final = "*outbox*"
_LEASE_S: Final = 15.0
_RENEW_S: Final = 5.0


class Unpublished(msgspec.Struct, frozen=True):
    """A transition as a record for `outcomes`; with its dead letter where it led to one."""

    transition: int
    outcome: OutcomeRecord
    letter: DeadLetter | None


class News(msgspec.Struct, frozen=True):
    """A change in Xero as an event for `events.xero`."""

    id: int
    envelope: Envelope


class Publishing:
    """Hands out transitions and news, and notes that they were published."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._leases = Leases(store, clock)
        self._lease: Lease | None = None
        self._renew_at = 0.0

    async def is_mine(self, owner: str) -> bool:
        """Whether this owner publishes now. One that has died is replaced within 15 s."""
        now = self._clock.elapsed()
        if self._store.sqlite or (self._lease is not None and now < self._renew_at):
            return True
        self._lease = await self._leases.acquire(_OUTBOX, owner, _LEASE_S)
        self._renew_at = now + _RENEW_S
        return self._lease is not None

    async def give_back(self) -> None:
        """Let another worker publish at once."""
        if self._lease is not None:
            await self._leases.release(self._lease)
            self._lease = None

    @repeated
    async def unpublished(self, limit: int) -> Sequence[Unpublished]:
        """The oldest transitions not published, in order."""
        statement = (
            select(_transitions).where(_transitions.c.published_at.is_(None)).order_by(_transitions.c.id).limit(limit)
        )
        async with self._store.read() as connection:
            rows = (await connection.execute(statement)).mappings().all()
            letters = await self._letters(connection, [row["dlq_id"] for row in rows if row["dlq_id"] is not None])
        return [Unpublished(row["id"], _outcome(row), letters.get(row["dlq_id"])) for row in rows]

    @repeated
    async def mark_published(self, ids: Sequence[int]) -> None:
        """The broker has acknowledged these."""
        async with self._store.write() as connection:
            for some in chunks(ids):
                statement = update(_transitions).where(_transitions.c.id.in_(some))
                await connection.execute(statement.values(published_at=self._clock.now()))

    @repeated
    async def unpublished_news(self, limit: int) -> Sequence[News]:
        """The oldest news not published, in order."""
        statement = select(_news).where(_news.c.published_at.is_(None)).order_by(_news.c.id).limit(limit)
        async with self._store.read() as connection:
            return [News(row["id"], _event(row)) for row in (await connection.execute(statement)).mappings()]

    @repeated
    async def mark_news_published(self, ids: Sequence[int]) -> None:
        """The broker has acknowledged these."""
        async with self._store.write() as connection:
            for some in chunks(ids):
                statement = update(_news).where(_news.c.id.in_(some))
                await connection.execute(statement.values(published_at=self._clock.now()))

    @staticmethod
    async def _letters(connection: AsyncConnection, ids: Sequence[str]) -> dict[str | None, DeadLetter]:
        return {letter.letter.dlq_id: letter.letter for letter in await dead_letters.read(connection, ids)}


def _event(row: Any) -> Envelope:
    """The same news is the same event, however often it is published."""
    document = f"{row['tenant']}:{row['resource'].lower()}:{row['xero_id']}"
    return Envelope(
        id=f"{document}:{row['number']}",
        source=row["source"],
        type=row["type"],
        time=row["at"].isoformat(),
        subject=document,
        sequence=str(row["number"]),
        data=row["data"],
    )


def _outcome(row: Any) -> OutcomeRecord:
    return OutcomeRecord(
        subject=row["subject"],
        number=row["number"],
        entity_key=row["entity_key"],
        to_state=row["to_state"],
        actor=row["actor"],
        at=row["at"],
        from_state=row["from_state"],
        event_key=row["event_key"],
        effect_key=row["effect_key"],
        tenant=row["tenant"],
        kind=row["kind"],
        reason=row["reason"],
        cause=row["cause"],
        xero_id=row["xero_id"],
        xero_number=row["xero_number"],
    )
