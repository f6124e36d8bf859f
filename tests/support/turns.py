"""A tenant's sender that does one thing after another: the real plan, ledger and drive, without any tasks.

So a test can say which call goes out after how many seconds, and a day passes in some seconds.
"""

import datetime as dt
from typing import Any

from connectors.xero.ticket import Ticket
from streams.core import plan
from streams.core.plan import ReadDocuments, SendWrites, Settle
from streams.core.situation import OpenCall
from streams.ledger.calls import Wait
from streams.sender import reading
from streams.sender.drive import Drive
from streams.sender.parts import Organisation, Parts

_LEASE_S = 60.0


class Turns:
    """`is_writing`: the call that is under way, or was last, is one of a plan, and no read."""

    def __init__(self, parts: Parts, organisation: Organisation) -> None:
        self.is_writing = False
        self._parts = parts
        self._organisation = organisation

    async def work(self, until: dt.datetime | None = None) -> None:
        """Until nothing is left to do, or nothing before a moment. Whoever waits moves the clock."""
        ledger, clock, tenant = self._parts.ledger, self._parts.clock, self._organisation.tenant
        while True:
            lease = await ledger.leases.acquire(tenant, self._parts.owner, _LEASE_S)
            assert lease is not None
            for call in await ledger.recovery.open_calls(tenant):
                await Drive(self._parts, self._organisation, lease.fence, call).rest()
            situation = await ledger.situation.read(tenant)
            step = plan.next_step(situation, self._organisation.rates)
            if isinstance(step, Settle):
                await ledger.results.settle_without_call(step.results, tenant, lease.fence)
                continue
            wait_s = await self._wait_s(step, situation.now) if isinstance(step, plan.Wait) else None
            if not isinstance(step, plan.Wait):
                wait_s = await self._call(step, lease.fence)
                if wait_s is None:
                    continue
            if wait_s is None or (until is not None and clock.now() + dt.timedelta(seconds=wait_s) >= until):
                return
            await clock.sleep(wait_s)

    async def _wait_s(self, step: plan.Wait, now: dt.datetime) -> float | None:
        away = await self._parts.ledger.situation.next_not_before(self._organisation.tenant)
        held = None if step.until is None else (step.until - now).total_seconds()
        return min((one for one in (away, held) if one is not None), default=None)

    async def _call(self, step: SendWrites | ReadDocuments, fence: int) -> float | None:
        """Make the call; in how many seconds there is a slot for it, if there is none now."""
        parts, organisation = self._parts, self._organisation
        self.is_writing = isinstance(step, SendWrites)
        await parts.client.authorise()
        writes = [item.write for item in step.writes] if isinstance(step, SendWrites) else []
        purpose: Any = "write" if writes else "read"
        ticket = await parts.ledger.calls.open(
            writes,
            step.request,
            purpose,
            organisation.tenant,
            organisation.xero_tenant_id,
            fence,
            is_urgent=step.is_urgent,
        )
        if isinstance(ticket, Wait):
            return max(ticket.seconds, 0.01)
        if isinstance(step, ReadDocuments):
            await reading.read(parts, organisation, ticket, step)
        else:
            await Drive(parts, organisation, fence, _opened(ticket, step)).first(ticket)
        return None


def _opened(ticket: Ticket, step: SendWrites) -> OpenCall:
    request = ticket.request
    return OpenCall(
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
