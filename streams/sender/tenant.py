"""One organisation's turn of work: own it, finish what stands open, then plan and send until nothing is left to do."""

import asyncio
from collections.abc import Coroutine
from contextlib import nullcontext
from typing import Any, Final

import structlog

from connectors.xero.auth import AuthRefused, AuthUnavailable
from connectors.xero.ticket import Ticket
from streams.core import plan
from streams.core.plan import ReadDocuments, SendWrites, Settle
from streams.core.settle import stop_for
from streams.core.situation import OpenCall, Situation
from streams.ledger.errors import FenceLost, LedgerError
from streams.ledger.leases import Lease
from streams.sender import reading
from streams.sender.drive import Drive
from streams.sender.listening import GATHER_S, Listen, Listener
from streams.sender.outlook import Outlook
from streams.sender.ownership import Ownership
from streams.sender.parts import Organisation, Parts, Stopping

# What another process does (a replay, an answer, `resume`) wakes nobody here: it is seen after so long.
_IDLE_S: Final = 2.0
_FAILED_S: Final = 2.0
# Xero lets 5 calls of an organisation be under way.
_ON_WIRE_MAX: Final = 5
# Calls that nobody answered wait for their time to look; where Xero answers none at all, no more are begun.
_OPEN_MAX: Final = 20

_log = structlog.get_logger()


class TenantSender:
    """The only one that sends for an organisation, as long as it holds its lease."""

    def __init__(self, parts: Parts, organisation: Organisation) -> None:
        self._parts = parts
        self._organisation = organisation
        self._woken = asyncio.Event()
        self._news = asyncio.Event()
        self._outlook = Outlook(parts, organisation.tenant)
        self._tasks: dict[asyncio.Task[None], int | None] = {}
        self._reading: set[str] = set()
        self._listener = Listener(parts, organisation, organisation.listened) if organisation.listened else None
        self._owned = Ownership(parts, organisation.tenant)
        # Where workers share a ledger, those without work hold leases too, so that each has its share of them.
        self._may_sleep = not parts.ledger.is_shared

    def wake(self) -> None:
        """There may be new work: what was read before is out of date."""
        self._news.set()
        self._woken.set()

    def rouse(self) -> None:
        """There is work; whoever is at it already need not begin anew."""
        self._woken.set()

    def may_leave(self, ticket: Ticket) -> bool:
        """Whether enough of the lease is left for the call to end within it."""
        return self._owned.may_leave(ticket)

    async def run(self) -> None:
        """Work until the worker stops. A ledger that fails is tried again; a lost lease is asked for again."""
        try:
            if self._may_sleep:
                await self._woken.wait()
            while not self._parts.stopping.is_set():
                try:
                    await self._turn()
                except FenceLost as error:
                    _log.warning("lease lost", tenant=self._organisation.tenant, reason=str(error))
                    self._owned.lost()
                except (LedgerError, AuthUnavailable) as error:
                    _log.error("cannot send", tenant=self._organisation.tenant, reason=str(error))
                    await self._parts.pause(_FAILED_S)
        except Stopping:
            return

    async def settle_down(self, seconds: float) -> None:
        """After `run` has ended: let calls end that are under way, for so long; the others stay for recovery."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in self._tasks:
            task.cancel()
        await self._owned.give_back()

    async def _turn(self) -> None:
        # What wakes us from now on is looked at in the next turn; without a lease it wakes us once and no more.
        self._woken.clear()
        if self._news.is_set():
            self._news.clear()
            self._outlook.forget()
        lease = await self._own()
        if lease is None:
            await self._idle(_IDLE_S)
            return
        if self._owned.is_leaving:
            await (self._idle(_IDLE_S) if self._tasks else self._owned.give_back())
            return
        if self._parts.on_wire[self._organisation.tenant] >= _ON_WIRE_MAX or len(self._tasks) >= _OPEN_MAX:
            await self._idle(_IDLE_S)
            return
        situation = await self._outlook.situation()
        books = self._listener.books if self._listener is not None else None
        step = plan.next_step(situation, self._organisation.rates, self._reading, books)
        self._parts.gate("planned")
        if self._listener is not None:
            idle = isinstance(step, plan.Wait)
            if (listen := await self._listener.next(lease.fence, situation.budget, is_idle=idle)) is not None:
                await self._listen(lease, self._listener, listen)
                return
        match step:
            case Settle(results=results):
                if self._listener is not None:
                    await self._listener.read_settings_if(results)
                await self._parts.ledger.results.settle_without_call(results, self._organisation.tenant, lease.fence)
                self._parts.gate("settled")
                self._outlook.forget()
            case SendWrites():
                await self._send(lease, step, situation)
            case ReadDocuments():
                self._outlook.forget()
                await self._read(lease, step)
            case plan.Wait(until=until):
                self._outlook.forget()
                away = await self._parts.ledger.situation.next_not_before(self._organisation.tenant)
                held = None if until is None else (until - situation.now).total_seconds()
                gather = GATHER_S if self._listener is not None and self._listener.is_gathering else None
                if held is None and away is None and gather is None and self._may_sleep and not self._tasks:
                    await self._woken.wait()
                    return
                limited = held is not None or (away is not None and situation.budget.not_before is not None)
                with self._parts.waiting() if limited else nullcontext():
                    await self._idle(min(one for one in (away, held, gather, _IDLE_S) if one is not None))

    async def _own(self) -> Lease | None:
        """The lease, prolonged in good time; with a new one everything that stands open is taken up."""
        if not self._owned.is_due:
            return self._owned.lease
        lease = await self._owned.renew()
        if lease is not None:
            await self._recover(lease)
        return lease

    async def _recover(self, lease: Lease) -> None:
        """Take up each open call that nobody in this process is at: those of a worker that died, above all."""
        # Taken before the reading: a call that ends meanwhile is read as open, but needs nobody.
        at_work = set(self._tasks.values())
        for call in await self._parts.ledger.recovery.open_calls(self._organisation.tenant):
            if call.call not in at_work:
                _log.info("taken up again", tenant=call.tenant, call=call.call, sends=len(call.sends))
                self._start(Drive(self._parts, self._organisation, lease.fence, call).rest(), call.call)

    async def _send(self, lease: Lease, step: SendWrites, situation: Situation) -> None:
        if not await self._has_token():
            return
        ticket = await self._open(lease, step)
        if ticket is None:
            return
        self._outlook.keep(situation, [item.command.command_id for item in step.writes])
        request = ticket.request
        call = OpenCall(
            call=ticket.call,
            tenant=ticket.tenant,
            method=request.method,
            path=request.path,
            query=request.query,
            body=request.body,
            idempotency_key=request.idempotency_key,
            opened_at=ticket.opened_at,
            sends=(),
            looks=0,
            next_look_at=None,
            writes=step.writes,
        )
        self._start(Drive(self._parts, self._organisation, lease.fence, call).first(ticket), ticket.call)

    async def _read(self, lease: Lease, step: ReadDocuments) -> None:
        ticket = await self._open(lease, step) if await self._has_token() else None
        if ticket is not None:
            self._reading |= set(step.ids)
            self._start(self._read_and_forget(ticket, step), None)

    async def _listen(self, lease: Lease, listener: Listener, step: Listen) -> None:
        ticket = await self._open(lease, step) if await self._has_token() else None
        if ticket is not None:
            listener.is_reading = True
            self._start(listener.read(ticket, step), None)

    async def _read_and_forget(self, ticket: Ticket, step: ReadDocuments) -> None:
        try:
            await reading.read(self._parts, self._organisation, ticket, step)
        finally:
            self._reading -= set(step.ids)
            # A payment is planned by what its invoice shows, which was read for it.
            self._outlook.forget()

    async def _has_token(self) -> bool:
        """No call is opened without a token; where Xero gives none, the tenant is stopped."""
        try:
            await self._parts.client.authorise()
        except AuthRefused as error:
            await self._parts.stop(self._organisation.tenant, stop_for("auth", error.message, error.remedy))
            return False
        return True

    async def _open(self, lease: Lease, step: SendWrites | ReadDocuments | Listen) -> Ticket | None:
        writes = [item.write for item in step.writes] if isinstance(step, SendWrites) else []
        opened = await self._parts.ledger.calls.open(
            writes,
            step.request,
            "write" if writes else "read",
            self._organisation.tenant,
            self._organisation.xero_tenant_id,
            lease.fence,
            timeout_s=self._parts.patience.timeout_s,
            is_urgent=step.is_urgent,
            read=[item.command for item in step.writes] if isinstance(step, SendWrites) else (),
        )
        if isinstance(opened, Ticket):
            return opened
        if opened.limit == "changed":
            self._outlook.forget()
        # A slot in flight frees when a call of ours ends, which wakes us; one of the minute does not. The shortest wait
        # keeps from spinning.
        event = self._news if opened.limit == "minute" else self._woken
        with self._parts.waiting():
            await self._idle(max(opened.seconds, 0.01), event)
        return None

    def _start(self, work: Coroutine[Any, Any, None], call: int | None) -> None:
        task = asyncio.ensure_future(work)
        self._tasks[task] = call
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A call that failed in our own code stays open: it is taken up again with the next renewal of the lease."""
        del self._tasks[task]
        self.rouse()
        error = None if task.cancelled() else task.exception()
        if isinstance(error, FenceLost):
            self._owned.lost()
        elif error is not None and not isinstance(error, Stopping):
            _log.error("a call was left open", tenant=self._organisation.tenant, exc_info=error)

    async def _idle(self, seconds: float, event: asyncio.Event | None = None) -> None:
        """Wait until there may be work. Raises Stopping."""
        await self._parts.pause_until(event or self._woken, min(seconds, _IDLE_S))
