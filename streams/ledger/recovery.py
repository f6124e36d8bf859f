"""Open calls as recovery finds them: without a settled outcome, whoever opened them (design section 7.7)."""

from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Select, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from streams.clock import Clock
from streams.core.situation import RESTORED, OpenCall, OpenWrite, PlannedWrite, ReadyCommand
from streams.ledger import assemble, leases, tables
from streams.ledger.among import among
from streams.ledger.calls import request_of
from streams.ledger.engine import Store
from streams.ledger.repeat import repeated
from streams.ledger.rows import chunks

_calls: Final = tables.calls
_writes: Final = tables.writes
_commands: Final = tables.commands


class Recovery:
    """Reads open calls and notes that they were looked at."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @repeated
    async def open_calls(self, tenant: str) -> tuple[OpenCall, ...]:
        """The tenant's calls whose outcome is not settled, oldest first, with the writes that have no result yet."""
        statement = _open_ones().where(_calls.c.tenant == tenant, _calls.c.purpose == "write").order_by(_calls.c.number)
        async with self._store.read() as connection:
            rows = (await connection.execute(statement)).mappings().all()
            return tuple([await _open_call(connection, row) for row in rows])

    @repeated
    async def open_call(self, call: int) -> OpenCall | None:
        """One call whose outcome is not settled; None if it is settled."""
        statement = _open_ones().where(_calls.c.number == call)
        async with self._store.read() as connection:
            row = (await connection.execute(statement)).mappings().first()
            return None if row is None else await _open_call(connection, row)

    @repeated
    async def mark_looked(self, call: int, next_look_at: datetime | None, fence: int) -> None:
        """Xero was looked at and what became of `call` is not certain yet; look again at `next_look_at`."""
        async with self._store.write() as connection:
            tenant = (await connection.execute(select(_calls.c.tenant).where(_calls.c.number == call))).scalar_one()
            await leases.check(connection, tenant, fence)
            values = {"looks": _calls.c.looks + 1, "next_look_at": next_look_at}
            await connection.execute(update(_calls).where(_calls.c.number == call).values(**values))


def _open_ones() -> Select[Any]:
    leases_ = tables.leases
    return (
        select(_calls, leases_.c.taken_at)
        .outerjoin(leases_, leases_.c.tenant == _calls.c.tenant)
        .where(_calls.c.state == "open")
    )


async def _open_call(connection: AsyncConnection, row: Any) -> OpenCall:
    request = request_of(row)
    return OpenCall(
        call=row["number"],
        tenant=row["tenant"],
        method=request.method,
        path=request.path,
        query=request.query,
        body=request.body,
        idempotency_key=request.idempotency_key,
        opened_at=row["opened_at"],
        sends=await _sends(connection, row["number"]),
        looks=row["looks"],
        next_look_at=row["next_look_at"],
        writes=await _open_writes(connection, row["number"]),
        owned_since=row["taken_at"],
    )


async def _sends(connection: AsyncConnection, root: int) -> tuple[tuple[datetime, int | None], ...]:
    """Every time the request may have left us, and the status that answered it."""
    statement = (
        select(_calls.c.opened_at, _calls.c.status)
        .where(_calls.c.root == root, _calls.c.purpose.in_(("write", "resend")))
        .order_by(_calls.c.number)
    )
    return tuple((row[0], row[1]) for row in await connection.execute(statement))


async def _open_writes(connection: AsyncConnection, call: int) -> tuple[OpenWrite, ...]:
    statement = select(_writes).where(_writes.c.call == call, _writes.c.result.is_(None)).order_by(_writes.c.position)
    writes = (await connection.execute(statement)).mappings().all()
    replaced = await _replaced(connection, [row["effect_key"] for row in writes if row["step"] == RESTORED])
    found = select(*assemble.COLUMNS).where(_commands.c.command_id.in_([row["command_id"] for row in writes]))
    rows = (await connection.execute(found)).all()
    commands = {
        one.command_id: msgspec.structs.replace(one, replaced=tuple(replaced.get(one.effect.effect_key, ())))
        for one in await assemble.commands(connection, rows)
    }
    return tuple(
        OpenWrite(
            write=PlannedWrite(
                command_id=row["command_id"],
                effect_key=row["effect_key"],
                resource=row["resource"],
                element=row["element"],
                step=row["step"],
                number=row["number"],
            ),
            command=commands[row["command_id"]],
            still_current=commands[row["command_id"]].effect.current,
        )
        for row in writes
    )


async def _replaced(connection: AsyncConnection, effect_keys: list[str]) -> dict[str, list[ReadyCommand]]:
    """The superseded versions of these effects, oldest first: the lost ledger may have sent one of them."""
    found: dict[str, list[ReadyCommand]] = {}
    for keys in chunks(effect_keys):
        statement = (
            select(*assemble.COLUMNS)
            .where(among(_commands.c.effect_key, keys), _commands.c.state == "superseded")
            .order_by(_commands.c.sequence, _commands.c.position)
        )
        for one in await assemble.commands(connection, (await connection.execute(statement)).all()):
            found.setdefault(one.effect.effect_key, []).append(one)
    return found
