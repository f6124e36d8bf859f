"""What the sender plans with: one tenant's ready commands and its budget, read in one transaction."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from streams.clock import Clock
from streams.core.situation import Situation
from streams.ledger import assemble, budget, tables
from streams.ledger.among import among
from streams.ledger.engine import Store
from streams.ledger.ready import PENDING
from streams.ledger.repeat import repeated
from streams.ledger.rows import chunks

_commands: Final = tables.commands
_stops: Final = tables.stops


def stopped() -> ColumnElement[bool]:
    """Whether a stop covers a row of `commands`."""
    return exists().where(
        or_(_stops.c.tenant.is_(None), _stops.c.tenant == _commands.c.tenant),
        or_(_stops.c.source.is_(None), _stops.c.source == _commands.c.source),
    )


async def stopped_of(connection: AsyncConnection, command_ids: Iterable[str]) -> list[str]:
    """Which of the commands a stop covers."""
    found: list[str] = []
    for ids in chunks(command_ids):
        statement = select(_commands.c.command_id).where(among(_commands.c.command_id, ids), stopped())
        found += [row[0] for row in await connection.execute(statement)]
    return found


_READY: Final = and_(PENDING, _commands.c.ready_since.is_not(None))


class SituationReader:
    """Reads situations."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @repeated
    async def read(self, tenant: str, limit: int = 500) -> Situation:
        """The tenant's ready commands that no stop covers and no answer puts off, earliest due first; at most
        `limit`, and `more` says whether there are others."""
        now = self._clock.now()
        statement = (
            select(*assemble.COLUMNS)
            .where(
                _READY,
                _commands.c.tenant == tenant,
                or_(_commands.c.not_before.is_(None), _commands.c.not_before <= now),
                ~stopped(),
            )
            .order_by(_commands.c.due_at, _commands.c.position)
            .limit(limit + 1)
        )
        async with self._store.read() as connection:
            rows = (await connection.execute(statement)).all()
            return Situation(
                tenant=tenant,
                now=now,
                ready=await assemble.commands(connection, rows[:limit]),
                budget=await budget.read(connection, tenant, now),
                more=len(rows) > limit,
            )

    @repeated
    async def tenants_with_work(self) -> tuple[str, ...]:
        """The tenants that have ready commands which no stop covers, or open calls that write: what a worker that
        died was reading or looking for is nobody's work."""
        ready = select(_commands.c.tenant).where(_READY, ~stopped()).distinct()
        calls = tables.calls.c
        unsettled = select(calls.tenant).where(calls.state == "open", calls.purpose == "write").distinct()
        async with self._store.read() as connection:
            found = {row[0] for row in await connection.execute(ready)}
            found |= {row[0] for row in await connection.execute(unsettled)}
        return tuple(sorted(found))

    @repeated
    async def next_not_before(self, tenant: str) -> float | None:
        """In how many seconds the next command that an answer put off may be tried; None if there is none."""
        now = self._clock.now()
        statement = (
            select(_commands.c.not_before)
            .where(_READY, _commands.c.tenant == tenant, _commands.c.not_before > now, ~stopped())
            .order_by(_commands.c.not_before)
            .limit(1)
        )
        async with self._store.read() as connection:
            found = (await connection.execute(statement)).scalar()
        return None if found is None else (found - now).total_seconds()
