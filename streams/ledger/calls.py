"""Calls: a slot of the limit and the write-ahead in one insert, then what came of it (design section 7.3 to 7.7)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.xero.ticket import Answer, NoAnswer, Purpose, Ticket, XeroRequest
from streams.clock import Clock
from streams.core.situation import Budget, PlannedWrite, ReadyCommand
from streams.ledger import budget, bulk, leases, tables
from streams.ledger.budget import Limit
from streams.ledger.engine import Rollback, Store
from streams.ledger.errors import LedgerRefused, NotPossible
from streams.ledger.repeat import repeated
from streams.ledger.rows import CommandRow
from streams.ledger.situation import stopped_of
from streams.ledger.transitions import Why
from streams.ledger.work import Work

# From the insert to the first byte on the wire; a request that is later than that must not leave.
SEND_WINDOW_S: Final = 5.0
_KEY_PART: Final = 8

_WAS_PUT_BACK: Final = (
    "The ledger gave a call's number for the second time: it was put back from a backup while this worker ran. Nothing "
    "was sent. End every worker, then start one with `ledgerstream worker --restored`."
)

_calls: Final = tables.calls
_ledger: Final = tables.ledger


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """No ticket now. `seconds` to wait at least; `changed`: the commands are not as planned any more, plan anew."""

    seconds: float
    limit: Limit
    text: str


class Calls:
    """Opens calls and notes their answers."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._highest = 0

    @repeated
    async def open(
        self,
        writes: Sequence[PlannedWrite],
        request: XeroRequest,
        purpose: Purpose,
        tenant: str,
        xero_tenant_id: str,
        fence: int,
        root: int | None = None,
        timeout_s: float = 30.0,
        *,
        is_urgent: bool = False,
        read: Sequence[ReadyCommand] = (),
    ) -> Ticket | Wait:
        """Take a slot and write the request ahead, in one transaction.

        A `write` carries the planned writes, and their commands become sent. A `resend` sends the request of `root`
        again, byte for byte, whatever `request` says; a `look` finds out what became of `root`; a `read` has neither.
        The ledger gives the idempotency key. `is_urgent`: a person waits for it, and gets the next slot. `read` are the
        commands as they were planned with; what was changed or stopped since is planned anew. Raises FenceLost (not
        for a `read`, which may come from anywhere).
        """
        opened: Ticket | Wait | None = None
        try:
            async with self._store.write() as connection:
                if purpose != "read":
                    await leases.check(connection, tenant, fence)
                opening = _Opening(connection, self._clock, tenant, xero_tenant_id, fence, timeout_s)
                opened = await opening.open(writes, request, purpose, root, is_urgent=is_urgent, read=read)
                if isinstance(opened, Wait):
                    # What a refused opening has begun to write must not stay.
                    raise Rollback
                if opened.call <= self._highest:
                    raise LedgerRefused(_WAS_PUT_BACK)
        except Rollback:
            pass
        assert opened is not None
        if is_urgent and isinstance(opened, Wait) and opened.limit in ("minute", "in_flight"):
            async with self._store.write() as connection:
                await budget.person_waits(connection, tenant, self._clock.now(), opened.seconds)
        if isinstance(opened, Ticket):
            self._highest = max(self._highest, opened.call)
        return opened

    @repeated
    async def budget(self, tenant: str) -> Budget:
        """What the tenant has left."""
        async with self._store.read() as connection:
            return await budget.read(connection, tenant, self._clock.now())

    @repeated
    async def answered(self, ticket: Ticket, answer: Answer | NoAnswer) -> None:
        """Note an answer, or that none came, at once: the slot and the limits depend on it. A `read` ends with it.

        The fence is not asked: it happened, whoever owns the tenant by now, and it settles nothing.
        """
        now = self._clock.now()
        values: dict[str, Any] = {"detail": getattr(answer, "detail", None)}
        if isinstance(answer, Answer):
            values |= {"answered_at": now, "status": answer.status, "correlation_id": answer.correlation_id}
        else:
            values["left_us"] = answer.left
        if ticket.purpose in ("read", "look", "resend"):
            values |= {"state": "closed", "closed_at": now}
        async with self._store.write() as connection:
            await connection.execute(update(_calls).where(_calls.c.number == ticket.call).values(**values))
            if isinstance(answer, Answer):
                await budget.lock(connection, ticket.tenant)
                await budget.learn(connection, ticket.tenant, answer, now)


class _Opening:
    """One opening within its transaction."""

    def __init__(
        self,
        connection: AsyncConnection,
        clock: Clock,
        tenant: str,
        xero_tenant_id: str,
        fence: int,
        timeout_s: float,
    ) -> None:
        self._connection = connection
        self._now = clock.now()
        self._send_before = clock.elapsed() + SEND_WINDOW_S
        self._tenant = tenant
        self._xero_tenant_id = xero_tenant_id
        self._fence = fence
        self._timeout_s = timeout_s

    async def open(
        self,
        writes: Sequence[PlannedWrite],
        request: XeroRequest,
        purpose: Purpose,
        root: int | None,
        *,
        is_urgent: bool,
        read: Sequence[ReadyCommand] = (),
    ) -> Ticket | Wait:
        await budget.lock(self._connection, self._tenant)
        refused = await budget.refusal(self._connection, self._tenant, purpose, self._now, is_urgent=is_urgent)
        if refused is not None:
            return Wait(seconds=refused.seconds, limit=refused.limit, text=refused.text)
        if is_urgent:
            await budget.person_goes(self._connection, self._tenant)
        work = Work(self._connection, self._now)
        if purpose == "write" and not await self._are_ready(work, writes, read):
            return Wait(seconds=0.0, limit="changed", text="a command is not as it was planned")
        if purpose == "resend":
            request = await self._stored(root)
        # Every opening of every worker meets in the one row that numbers calls, so it is locked last.
        number, ledger_id = await self._number()
        if purpose != "resend" and request.method != "GET":
            key = f"{self._xero_tenant_id[:_KEY_PART]}-{ledger_id[:_KEY_PART]}-{number}"
            request = msgspec.structs.replace(request, idempotency_key=key)
        await bulk.insert(self._connection, _calls, [self._row(number, root or number, purpose, request)])
        await self._send(work, number, writes)
        return Ticket(
            call=number,
            root=root or number,
            purpose=purpose,
            tenant=self._tenant,
            xero_tenant_id=self._xero_tenant_id,
            request=request,
            opened_at=self._now,
            send_before=self._send_before,
            timeout_s=self._timeout_s,
            fence=self._fence,
        )

    async def _number(self) -> tuple[int, str]:
        await self._connection.execute(update(_ledger).values(last_call=_ledger.c.last_call + 1))
        row = (await self._connection.execute(select(_ledger.c.last_call, _ledger.c.ledger_id))).one()
        return row[0], row[1]

    async def _stored(self, root: int | None) -> XeroRequest:
        statement = select(_calls).where(_calls.c.number == root, _calls.c.state == "open")
        row = (await self._connection.execute(statement)).mappings().first()
        if row is None:
            raise NotPossible(f"call {root} is not open, so there is nothing to send again")
        return request_of(row)

    def _row(self, number: int, root: int, purpose: Purpose, request: XeroRequest) -> dict[str, Any]:
        return {
            "number": number,
            "root": root,
            "purpose": purpose,
            "tenant": self._tenant,
            "xero_tenant_id": self._xero_tenant_id,
            "method": request.method,
            "path": request.path,
            "query": [list(pair) for pair in request.query],
            "idempotency_key": request.idempotency_key,
            "body": request.body,
            "modified_since": request.modified_since,
            "fence": self._fence,
            "opened_at": self._now,
            "send_before": self._send_before,
            "ends_at": self._now + timedelta(seconds=SEND_WINDOW_S + self._timeout_s),
            "left_us": True,
            "state": "open",
            "looks": 0,
        }

    async def _are_ready(self, work: Work, writes: Sequence[PlannedWrite], read: Sequence[ReadyCommand]) -> bool:
        """Whether each command is still ready and as it was read, and none is stopped; nobody changes them until the
        transaction ends."""
        await work.load_with_effects(write.command_id for write in writes)
        found = [work.commands.get(write.command_id) for write in writes]
        if not all(one is not None and one.state == "pending" and one.ready_since is not None for one in found):
            return False
        if not all(_is_as_read(work.commands[one.command_id], one) for one in read):
            return False
        return not await stopped_of(self._connection, work.commands)

    async def _send(self, work: Work, number: int, writes: Sequence[PlannedWrite]) -> None:
        """Pending commands become sent."""
        for write in writes:
            command = work.commands[write.command_id]
            command.attempts += 1
            work.change(command, "sent", Why(call=number))
        await work.flush()
        rows = [{"call": number, "position": position, **_write_row(one)} for position, one in enumerate(writes)]
        await bulk.insert(self._connection, tables.writes, rows)


def _is_as_read(row: CommandRow, command: ReadyCommand) -> bool:
    """Whether nobody replayed or answered it, and no answer of Xero's taught anything about it."""
    now = (row.digest, row.revision, row.attempts, row.decision, row.hints)
    return now == (command.digest, command.revision, command.attempts, command.decision, command.hints)


def _write_row(write: PlannedWrite) -> dict[str, Any]:
    return {
        "command_id": write.command_id,
        "effect_key": write.effect_key,
        "resource": write.resource,
        "element": write.element,
        "step": write.step,
        "number": write.number,
    }


def request_of(row: Any) -> XeroRequest:
    """The request of a row of `calls`, byte for byte."""
    return XeroRequest(
        method=row["method"],
        path=row["path"],
        query=tuple((name, value) for name, value in row["query"]),
        body=row["body"],
        idempotency_key=row["idempotency_key"],
        modified_since=row["modified_since"],
    )
