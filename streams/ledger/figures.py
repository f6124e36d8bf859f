"""The figures that the metrics show, read from one state of the ledger."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from streams.clock import Clock
from streams.core.silence import Expectation
from streams.core.situation import Budget
from streams.ledger import budget, tables
from streams.ledger.engine import Store
from streams.ledger.ready import PENDING
from streams.ledger.repeat import repeated

_commands: Final = tables.commands.c
_letters: Final = tables.dead_letters.c
_events: Final = tables.events.c
_sweeps: Final = tables.sweeps.c


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Counts by label. `replayed` is of all times; `budgets` and `egress` (bytes of this month) are by tenant."""

    pending: Mapping[int, int]
    oldest_pending: datetime | None
    open_letters: Mapping[str, int]
    oldest_letter: datetime | None
    replayed: int
    last_events: Mapping[str, datetime]
    budgets: Mapping[str, Budget]
    egress: Mapping[str, int] = {}


class FiguresReader:
    """Reads the figures."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @repeated
    async def read(self) -> Figures:
        """Everything from one state of the ledger; it blocks nobody. Raises LedgerUnavailable."""
        is_pending, is_open = PENDING, _letters.state == "open"
        async with self._store.read() as connection:
            pending = await _groups(connection, _commands.priority_s, is_pending)
            open_letters = await _groups(connection, _letters.cause, is_open)
            newest = select(_events.source, func.max(_events.recorded_at)).where(_events.source.is_not(None))
            replayed = select(func.count()).where(_letters.closed_reason == "replayed")
            return Figures(
                pending=pending,
                open_letters=open_letters,
                oldest_pending=await _first(connection, _commands.created_at, is_pending),
                oldest_letter=await _first(connection, _letters.first_failed_at, is_open),
                replayed=int((await connection.execute(replayed)).scalar_one()),
                last_events={row[0]: row[1] for row in await connection.execute(newest.group_by(_events.source))},
                budgets=await self._budgets(connection),
                egress=await budget.egress(connection, self._clock.now()),
            )

    @repeated
    async def last_heard(self) -> Mapping[str, datetime]:
        """When each source was last heard, whatever became of what it told: an event, a request that told none, or a
        dead letter. Raises LedgerUnavailable."""
        heard: dict[str, datetime] = {}
        async with self._store.read() as connection:
            for source, at in ((_events.source, _events.recorded_at), (_letters.source, _letters.first_failed_at)):
                newest = select(source, func.max(at)).where(source.is_not(None)).group_by(source)
                for name, when in await connection.execute(newest):
                    heard[name] = max(when, heard.get(name, when))
        return heard

    @repeated
    async def silences(self, expected: Mapping[str, Expectation]) -> Mapping[str, timedelta | None]:
        """For how much of its hours of business each source gave no sign of life; None: it never did.

        An event is one, and so is a sweep to the end. Raises LedgerUnavailable.
        """
        signs, now = dict(await self.last_heard()), self._clock.now()
        async with self._store.read() as connection:
            for name, at in await connection.execute(select(_sweeps.source, _sweeps.swept_at)):
                if at is not None:
                    signs[name] = max(at, signs.get(name, at))
        return {
            name: one.silent_for(at, now) if (at := signs.get(name)) is not None else None
            for name, one in expected.items()
        }

    @repeated
    async def egress(self) -> Mapping[str, int]:
        """Bytes that Xero has answered this month, by tenant. Raises LedgerUnavailable."""
        async with self._store.read() as connection:
            return await budget.egress(connection, self._clock.now())

    async def _budgets(self, connection: AsyncConnection) -> dict[str, Budget]:
        names = [row[0] for row in await connection.execute(select(tables.tenants.c.tenant))]
        now = self._clock.now()
        return {name: await budget.read(connection, name, now) for name in names}


async def _groups(connection: AsyncConnection, column: Any, where: Any) -> dict[Any, int]:
    statement = select(column, func.count()).where(where).group_by(column)
    return {row[0]: row[1] for row in await connection.execute(statement)}


async def _first(connection: AsyncConnection, column: Any, where: Any) -> datetime | None:
    found: datetime | None = (await connection.execute(select(func.min(column)).where(where))).scalar()
    return found
