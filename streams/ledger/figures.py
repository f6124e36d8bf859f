"""The figures that the metrics show, read from one state of the ledger."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Text, case, exists, func, literal, or_, select, true, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.envelope import VIA_SWEEP
from schemas.raw import SWEPT
from streams.clock import Clock
from streams.core.finds import WINDOW, Finds
from streams.core.silence import Expectation
from streams.core.situation import Budget
from streams.core.surveys import BACKFILLED
from streams.ledger import budget, tables, tables_hearing
from streams.ledger.columns import to_json_text
from streams.ledger.engine import Store
from streams.ledger.ready import PENDING
from streams.ledger.repeat import repeated

_commands: Final = tables.commands.c
_letters: Final = tables.dead_letters.c
_events: Final = tables.events.c
_sweeps: Final = tables.sweeps.c
_surveys: Final = tables_hearing.surveys.c
_ALL: Final = true()


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
        """When each source last told something by itself, whatever became of it: an event, a request that told none,
        or a dead letter. What a sweep found the source did not tell. Raises LedgerUnavailable."""
        async with self._store.read() as connection:
            return await _newest(connection, ~_found_by_sweep(_events.headers), ~_found_by_sweep(_letters.headers))

    @repeated
    async def last_surveyed(self) -> datetime | None:
        """When all that is asked of Xero each hour was last read to the end, of any organisation; None: never. Raises
        LedgerUnavailable."""
        async with self._store.read() as connection:
            return await _surveyed(connection)

    @repeated
    async def finds(self, sources: Collection[str]) -> Mapping[str, Finds]:
        """What sweeps found lately, beside what each of these sources told. What had happened before we began to hear
        the source is no find: no webhook could tell it. Raises LedgerUnavailable."""
        mine, by_sweep = _events.source.in_(list(sources)), _found_by_sweep(_events.headers)
        began = select(_events.source, func.min(_events.recorded_at).label("at")).where(mine).group_by(_events.source)
        heard = began.subquery()
        tells = exists().where(_commands.event_key == _events.event_key, _commands.state != "same")
        statement = (
            select(_events.source, func.count(), func.sum(case((by_sweep, 1), else_=0)))
            .join(heard, heard.c.source == _events.source)
            .where(
                mine,
                _events.recorded_at >= self._clock.now() - WINDOW,
                or_(~by_sweep, _events.time.is_(None), _events.time >= heard.c.at),
                tells,
            )
            .group_by(_events.source)
        )
        async with self._store.read() as connection:
            found = {row[0]: Finds(events=row[1], by_sweep=row[2]) for row in await connection.execute(statement)}
        return {name: found.get(name, Finds(events=0, by_sweep=0)) for name in sources}

    @repeated
    async def silences(
        self, expected: Mapping[str, Expectation], surveyed: Collection[str] = ()
    ) -> Mapping[str, timedelta | None]:
        """For how much of its hours of business each source gave no sign of life; None: it never did.

        An event is one, and so is a sweep to the end; for the sources `surveyed` it is what is read of Xero each hour.
        Raises LedgerUnavailable.
        """
        now = self._clock.now()
        async with self._store.read() as connection:
            signs = await _newest(connection)
            swept = [(row[0], row[1]) for row in await connection.execute(select(_sweeps.source, _sweeps.swept_at))]
            read_at = await _surveyed(connection) if surveyed else None
        for name, at in (*swept, *((name, read_at) for name in surveyed)):
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


def _found_by_sweep(headers: Any) -> ColumnElement[bool]:
    """Whether the record of a row came from a sweep, by the headers that are kept of it."""
    kept = func.coalesce(type_coerce(headers, Text), "")
    event, request = to_json_text([VIA_SWEEP[0], VIA_SWEEP[1].decode()]), to_json_text([SWEPT])[:-1]
    return or_(kept.contains(literal(event)), kept.contains(literal(f"{request},")))


async def _newest(
    connection: AsyncConnection, events: ColumnElement[bool] = _ALL, letters: ColumnElement[bool] = _ALL
) -> dict[str, datetime]:
    heard: dict[str, datetime] = {}
    for source, at, where in (
        (_events.source, _events.recorded_at, events),
        (_letters.source, _letters.first_failed_at, letters),
    ):
        newest = select(source, func.max(at)).where(source.is_not(None), where).group_by(source)
        for name, when in await connection.execute(newest):
            heard[name] = max(when, heard.get(name, when))
    return heard


async def _surveyed(connection: AsyncConnection) -> datetime | None:
    """Of each organisation the list that was read longest ago, if all were; of these the newest."""
    read = (
        select(func.min(_surveys.ended_at).label("at"))
        .where(_surveys.name.in_(BACKFILLED))
        .group_by(_surveys.tenant)
        .having(func.count(_surveys.ended_at) == len(BACKFILLED))
    ).subquery()
    found: datetime | None = (await connection.execute(select(func.max(read.c.at)))).scalar()
    return found


async def _groups(connection: AsyncConnection, column: Any, where: Any) -> dict[Any, int]:
    statement = select(column, func.count()).where(where).group_by(column)
    return {row[0]: row[1] for row in await connection.execute(statement)}


async def _first(connection: AsyncConnection, column: Any, where: Any) -> datetime | None:
    found: datetime | None = (await connection.execute(select(func.min(column)).where(where))).scalar()
    return found
