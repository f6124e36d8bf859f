"""Settle: results become states, links, dead letters and questions, in one transaction with the fence (design 7.5)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.states import Stage
from streams.clock import Clock
from streams.core.results import Result, Stop
from streams.core.situation import Document
from streams.ledger import documents, leases, stops, tables, telling
from streams.ledger.among import among
from streams.ledger.applying import Applying
from streams.ledger.engine import Store
from streams.ledger.errors import NotPossible
from streams.ledger.repeat import repeated
from streams.ledger.telling import Voice
from streams.ledger.work import Work

_calls: Final = tables.calls
_writes: Final = tables.writes


@dataclass(frozen=True, slots=True)
class SettleReport:
    """How many commands became ready by it. `closed`: the call has no write without a result any more."""

    ready: int
    closed: bool


class Settle:
    """Writes results."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @repeated
    async def settle(
        self,
        call: int,
        results: Sequence[Result],
        fence: int,
        stop: Stop | None = None,
        stage: Stage = "send",
        voice: Voice | None = None,
    ) -> SettleReport:
        """Write the results of writes of `call` (the root); it is closed once each write has one.

        `stop` stops the tenant in the same transaction. `voice` tells of what Xero answered, where it is listened to.
        Raises FenceLost where another worker owns the tenant, and NotPossible where a result has no open write in this
        call; nothing is written then.
        """
        now = self._clock.now()
        async with self._store.write() as connection:
            row = await self._open_call(connection, call)
            await leases.check(connection, row["tenant"], fence)
            await self._check_writes(connection, call, results)
            work = Work(connection, now)
            applying = Applying(work, call, row["idempotency_key"], stage, voice)
            ready = await applying.apply(results)
            await self._note_results(connection, call, results)
            if stop is not None:
                await stops.add_for_tenant(connection, row["tenant"], stop, now)
            closed = await self._close_if_done(connection, call, now)
        return SettleReport(ready, closed)

    @repeated
    async def settle_without_call(
        self, results: Sequence[Result], tenant: str, fence: int, stage: Stage = "plan"
    ) -> SettleReport:
        """Write results that planning found without a call. A command that is not pending any more is left alone."""
        async with self._store.write() as connection:
            await leases.check(connection, tenant, fence)
            work = Work(connection, self._clock.now())
            await work.load_with_effects(result.command_id for result in results)
            wanted = [one for one in results if _is_pending(work, one)]
            ready = await Applying(work, None, None, stage).apply(wanted)
        return SettleReport(ready, closed=True)

    @repeated
    async def save_documents(
        self, tenant: str, found: Collection[Document], fence: int, voice: Voice | None = None
    ) -> None:
        """Keep what a read told, and tell of it by `voice`, where Xero is listened to. FenceLost where another worker
        owns the tenant: it may have changed them since."""
        async with self._store.write() as connection:
            await leases.check(connection, tenant, fence)
            if voice is not None:
                await telling.tell(connection, voice, found, self._clock.now())
            await documents.save(connection, tenant, found)

    @staticmethod
    async def _open_call(connection: AsyncConnection, call: int) -> Any:
        statement = (
            select(_calls).where(_calls.c.number == call, _calls.c.state == "open").with_for_update(key_share=True)
        )
        row = (await connection.execute(statement)).mappings().first()
        if row is None:
            raise NotPossible(f"call {call} is not open: its results were written before")
        return row

    @staticmethod
    async def _check_writes(connection: AsyncConnection, call: int, results: Sequence[Result]) -> None:
        statement = select(_writes.c.command_id).where(_writes.c.call == call, _writes.c.result.is_(None))
        known = {row[0] for row in await connection.execute(statement)}
        strange = [result.command_id for result in results if result.command_id not in known]
        if strange:
            raise NotPossible(f"call {call} has no open write for {', '.join(strange)}")

    @staticmethod
    async def _note_results(connection: AsyncConnection, call: int, results: Sequence[Result]) -> None:
        by_name: dict[str, list[str]] = {}
        for result in results:
            by_name.setdefault(type(result).__name__, []).append(result.command_id)
        for name, ids in by_name.items():
            noted = update(_writes).where(_writes.c.call == call, among(_writes.c.command_id, ids))
            await connection.execute(noted.values(result=name))

    @staticmethod
    async def _close_if_done(connection: AsyncConnection, call: int, now: datetime) -> bool:
        statement = select(func.count()).where(_writes.c.call == call, _writes.c.result.is_(None))
        if (await connection.execute(statement)).scalar():
            return False
        await connection.execute(
            update(_calls).where(_calls.c.number == call).values(state="closed", closed_at=now, next_look_at=None)
        )
        return True


def _is_pending(work: Work, result: Result) -> bool:
    command = work.commands.get(result.command_id)
    return command is not None and command.state == "pending"
