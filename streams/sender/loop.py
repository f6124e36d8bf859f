"""The sender of a process: a task for each organisation, so that none delays another (G4)."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

from connectors.xero.ticket import Ticket
from streams.sender.parts import Organisation, Parts
from streams.sender.tenant import TenantSender

# Of the worker's time to stop; what has not been answered by then is found again by recovery.
STOP_S: Final = 2.5


class Sender:
    """Sends for all organisations of the tenant files. Made by bootstrap; `run` may be cut at any point."""

    def __init__(self, parts: Parts, organisations: Iterable[Organisation]) -> None:
        self._parts = parts
        self._tenants: Mapping[str, TenantSender] = {one.tenant: TenantSender(parts, one) for one in organisations}

    def wake(self) -> None:
        """Something was taken in, answered or resumed: look for work now."""
        for tenant in self._tenants.values():
            tenant.wake()

    def may_leave(self, ticket: Ticket) -> bool:
        """The client's last question before a request goes out: does our lease outlast it?"""
        tenant = self._tenants.get(ticket.tenant)
        return tenant is not None and tenant.may_leave(ticket)

    async def run(self) -> None:
        """Send until `stop`. Raises what no organisation's task could deal with."""
        async with asyncio.TaskGroup() as group:
            for tenant in self._tenants.values():
                group.create_task(tenant.run())

    async def stop(self) -> None:
        """No new call starts from now on; calls under way may end within 2.5 s and are settled then."""
        self._parts.stopping.set()
        await asyncio.gather(*(tenant.settle_down(STOP_S) for tenant in self._tenants.values()))
