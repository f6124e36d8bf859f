"""The sender of a process: a task for each organisation, so that none delays another (G4)."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

import structlog

from connectors.xero.ticket import Ticket
from streams.ledger.errors import LedgerError
from streams.sender.parts import Organisation, Parts, Stopping
from streams.sender.tenant import TenantSender

# Of the worker's time to stop; what has not been answered by then is found again by recovery.
STOP_S: Final = 2.5
_LOOK_S: Final = 1.0
# What another process does (a replay, an answer, `resume`) rings nobody here: it is seen after so long.
_LOOK_AGAIN_S: Final = 2.0
# A look for work is followed by a rest of so many times its own length, but never a long one: a process, or a machine,
# that was suspended in the middle of a look must not rest for ten times as long.
_LOOKS_REST: Final = 10
_REST_MAX_S: Final = 5.0
# How many looks at the others there are to one sign of life of our own.
_BEAT_LOOKS: Final = 5

_log = structlog.get_logger()


class Sender:
    """Sends for all organisations of the tenant files. Made by bootstrap; `run` may be cut at any point."""

    def __init__(self, parts: Parts, organisations: Iterable[Organisation]) -> None:
        self._parts = parts
        all_of_them = list(organisations)
        self._tenants: Mapping[str, TenantSender] = {one.tenant: TenantSender(parts, one) for one in all_of_them}
        self._heard = [one.listened for one in all_of_them if one.listened]
        self._listened = {one.xero_tenant_id.lower(): one.tenant for one in self._heard}
        parts.share.tenants = len(self._tenants)
        self._rung = asyncio.Event()

    def wake(self) -> None:
        """Something was taken in, answered or resumed: look for work now."""
        self._rung.set()
        if self._parts.ledger.is_shared:
            self._wake_all()

    def may_leave(self, ticket: Ticket) -> bool:
        """The client's last question before a request goes out: does our lease outlast it?"""
        tenant = self._tenants.get(ticket.tenant)
        return tenant is not None and tenant.may_leave(ticket)

    async def run(self) -> None:
        """Send until `stop`. Raises what no organisation's task could deal with."""
        shared = self._parts.ledger.is_shared
        if shared:
            await self._look_at_others(beat=True)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_others() if shared else self._wake_those_with_work())
            for tenant in self._tenants.values():
                group.create_task(tenant.run())
            # Who is listened to has a first turn without any work to send.
            for name in self._listened.values():
                self._tenants[name].wake()

    async def stop(self) -> None:
        """No new call starts from now on; calls under way may end within 2.5 s and are settled then."""
        self._parts.stopping.set()
        self._wake_all()
        await asyncio.gather(*(tenant.settle_down(STOP_S) for tenant in self._tenants.values()))
        if self._parts.ledger.is_shared:
            await self._parts.ledger.presence.leave(self._parts.owner)

    def _wake_all(self) -> None:
        for tenant in self._tenants.values():
            tenant.wake()

    async def _wake_those_with_work(self) -> None:
        """On a ledger of our own an organisation without work costs nothing: no turn, no lease, only its name here."""
        elapsed = self._parts.clock.elapsed
        try:
            while True:
                is_new = self._rung.is_set()
                self._rung.clear()
                began_s = elapsed()
                try:
                    for name in {*await self._parts.ledger.situation.tenants_with_work(), *await self._with_news()}:
                        if (tenant := self._tenants.get(name)) is not None:
                            (tenant.wake if is_new else tenant.rouse)()
                except LedgerError as error:
                    _log.warning("work cannot be seen", reason=str(error))
                # The more work there is the longer takes the look, and the more of those who have some are awake.
                await self._parts.pause(min((elapsed() - began_s) * _LOOKS_REST, _REST_MAX_S))
                await self._parts.pause_until(self._rung, _LOOK_AGAIN_S)
        except Stopping:
            return

    async def _with_news(self) -> set[str]:
        """The tenants of whose Xero something is to be read."""
        if not self._listened:
            return set()
        named, surveyed = await self._parts.ledger.listening.due(self._heard)
        return {self._listened[one] for one in named if one in self._listened} | (
            surveyed & set(self._listened.values())
        )

    async def _watch_others(self) -> None:
        looks = 0
        try:
            while True:
                await self._parts.pause(_LOOK_S)
                looks += 1
                await self._look_at_others(beat=looks % _BEAT_LOOKS == 0)
        except Stopping:
            return

    async def _look_at_others(self, *, beat: bool) -> None:
        """See which organisations other workers hold, and wake the tasks of those that became free; with `beat`, tell
        the others that we are there, and count them."""
        share, ledger, owner = self._parts.share, self._parts.ledger, self._parts.owner
        try:
            if beat:
                share.workers = await ledger.presence.beat(owner)
            before, share.elsewhere = share.elsewhere, await ledger.leases.held_by_others(owner)
        except LedgerError as error:
            _log.warning("other workers cannot be seen", reason=str(error))
            return
        for freed in before - share.elsewhere:
            if (tenant := self._tenants.get(freed)) is not None:
                tenant.wake()
