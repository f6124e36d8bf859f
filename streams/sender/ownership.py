"""Owning an organisation: its lease taken, kept while we send for it, and given to others where they have too few."""

from typing import Final

import structlog

from connectors.xero.ticket import Ticket
from streams.ledger.leases import Lease
from streams.sender.parts import Parts

# Beside a call's own time, what must be left of the lease when it goes out (design 7.4).
LEASE_MARGIN_S: Final = 10.0
_RENEW_S: Final = 15.0
# How late a renewal may be without keeping calls from going out.
_RENEW_LATE_S: Final = 5.0
# What nobody took for so long is ours, even if we have our share: others may not know this organisation.
LEFT_OVER_S: Final = 10.0

_log = structlog.get_logger()


def lease_s(timeout_s: float) -> float:
    """How long a lease lasts, so that until its next renewal a call may always go out: 60 s with Xero's 30."""
    return timeout_s + LEASE_MARGIN_S + _RENEW_S + _RENEW_LATE_S


class Ownership:
    """The lease of one organisation in this process. It is measured by a clock that nobody sets."""

    def __init__(self, parts: Parts, tenant: str) -> None:
        self._parts = parts
        self._tenant = tenant
        self._renew_at = 0.0
        self._ends = 0.0
        self.lease: Lease | None = None
        self.is_leaving = False

    @property
    def is_due(self) -> bool:
        """Whether there is no lease, or it should be prolonged."""
        return self.lease is None or self._parts.clock.elapsed() >= self._renew_at

    def may_leave(self, ticket: Ticket) -> bool:
        """Whether the call was opened under this lease, and enough of it is left for the call to end within it."""
        if self.lease is None or ticket.fence != self.lease.fence:
            return False
        return self._ends - self._parts.clock.elapsed() >= ticket.timeout_s + LEASE_MARGIN_S

    async def renew(self) -> Lease | None:
        """Take or prolong the lease; None while another worker has it, or should have it."""
        share, asked_at = self._parts.share, self._parts.clock.elapsed()
        if self.lease is None and self._tenant in share.elsewhere:
            return None
        if self.lease is not None and share.is_over and not self.is_leaving:
            _log.info("goes to another worker", tenant=self._tenant)
            self.is_leaving = True
            share.leaving += 1
        lasts_s = lease_s(self._parts.patience.timeout_s)
        left_over_s = LEFT_OVER_S if self.lease is None and share.is_full else 0.0
        lease = await self._parts.ledger.leases.acquire(self._tenant, self._parts.owner, lasts_s, left_over_s)
        if lease is None:
            self.lost()
            return None
        if self.lease is None:
            share.held += 1
        self._ends, self._renew_at = asked_at + lasts_s, asked_at + _RENEW_S
        self.lease = lease
        return lease

    def lost(self) -> None:
        """Another worker has it, or its fence has changed."""
        if self.lease is not None:
            self._parts.share.held -= 1
            self._parts.share.leaving -= self.is_leaving
        self.lease, self.is_leaving = None, False

    async def give_back(self) -> None:
        """Let another worker have it at once. No call of ours leaves any more."""
        lease = self.lease
        self.lost()
        if lease is not None:
            await self._parts.ledger.leases.release(lease)
