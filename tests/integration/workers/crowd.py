"""Several worker processes on one broker and one PostgreSQL, two organisations, and what their books must hold."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streams.clock import SystemClock
from streams.ledger import open_ledger
from tests.support.postgres import PostgresServer, query
from tests.support.system import System, order, payment, running

# Xero's answers take so long here, so that at any moment something is under way.
CALL_S = 0.4


@dataclass
class Crowd:
    """`system` has the processes; `url` is the ledger's."""

    system: System
    url: str

    @property
    def tenants(self) -> dict[str, str]:
        """Xero's id of each organisation, by the name of its file."""
        return {"uk": self.system.uk, "ie": self.system.sandbox.organisations[1].tenant_id}

    async def owner(self, tenant: str) -> int | None:
        """The process that sends for a tenant; None if nobody does."""
        statement = "SELECT owner FROM leases WHERE tenant = $1 AND expires_at > clock_timestamp()"
        rows = await query(self.url, statement, tenant)
        return int(str(rows[0][0]).split(":")[1]) if rows else None

    def process(self, pid: int | None) -> asyncio.subprocess.Process:
        [found] = [one for one in self.system.processes if one.pid == pid]
        return found

    async def shared(self) -> tuple[asyncio.subprocess.Process, asyncio.subprocess.Process]:
        """Wait until two different workers own the two organisations: those of `uk` and of `ie`."""
        end = asyncio.get_running_loop().time() + 120
        while True:
            owners = [await self.owner("uk"), await self.owner("ie")]
            if None not in owners and owners[0] != owners[1]:
                return self.process(owners[0]), self.process(owners[1])
            assert asyncio.get_running_loop().time() < end, f"owned by {owners}\n{self.system.log()[-3000:]}"
            await asyncio.sleep(0.2)

    async def send(self, numbers: Iterable[int]) -> None:
        """Orders of both organisations, each with two part payments."""
        await self.system.send(event for number in numbers for event in (*_of("uk", number), *_of("ie", number)))

    def calls(self, tenant: str) -> int:
        """How many calls the organisation has had."""
        return sum(call.tenant_id == self.tenants[tenant] for call in self.system.sandbox.calls)

    async def another_call(self, tenant: str, timeout_s: float = 60) -> None:
        """Wait for the next call for a tenant."""
        before = self.calls(tenant)
        await self.system.until(lambda: self.calls(tenant) > before, f"another call for {tenant}", timeout_s)

    async def taken_over(self, tenant: str, gone: asyncio.subprocess.Process, timeout_s: float) -> None:
        """Wait until another worker owns the tenant."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while await self.owner(tenant) in (None, gone.pid):
            assert loop.time() - began < timeout_s, f"{tenant} has no new owner\n{self.system.log()[-3000:]}"
            await asyncio.sleep(0.05)
        _tell(f"{tenant} has a new owner after", loop.time() - began)

    def missing(self, numbers: Sequence[int]) -> set[str]:
        """What the books do not hold yet."""
        found: set[str] = set()
        for name, tenant_id in self.tenants.items():
            books = self.system.sandbox.books(tenant_id)
            there = {row["number"] for row in books["invoices"]} | {
                row["reference"].split()[0] for row in books["payments"]
            }
            found |= _wanted(name, numbers) - there
        return found

    async def booked_once(self, numbers: Sequence[int], timeout_s: float = 120) -> None:
        """Wait until everything is booked; then nothing may be there twice."""
        await self.system.until(lambda: not self.missing(numbers), "everything in the books", timeout_s)
        for name, tenant_id in self.tenants.items():
            books = self.system.sandbox.books(tenant_id)
            invoices = Counter(row["number"] for row in books["invoices"])
            payments = Counter(row["reference"].split()[0] for row in books["payments"])
            assert invoices + payments == Counter(dict.fromkeys(_wanted(name, numbers), 1))
            assert {(row["total"], row["amount_due"]) for row in books["invoices"]} == {("24.00", "8.00")}
            contacts = Counter(row["number"] for row in books["contacts"] if row["number"])
            assert set(contacts.values()) == {1}
        assert self.system.sandbox.throttled["earned"] == 0


@asynccontextmanager
async def crowd(broker: str, prefix: str, home: Path, postgres: PostgresServer) -> AsyncIterator[Crowd]:
    """Nobody works yet: `system.worker` starts one."""
    url = await asyncio.to_thread(postgres.new_database)
    await (await open_ledger(url, SystemClock())).close()
    async with running(broker, prefix, home) as system:
        system.settings["LEDGERSTREAM_LEDGER_URL"] = url
        yield Crowd(system, url)


def _of(tenant: str, number: int) -> list[Mapping[str, Any]]:
    number = number if tenant == "uk" else number + 100_000
    events = [order(number), payment(number, "10.00", 1), payment(number, "6.00", 2)]
    return events if tenant == "uk" else [_in_euro(event) for event in events]


def _in_euro(event: Mapping[str, Any]) -> Mapping[str, Any]:
    data = {**event["data"], "currency": "EUR"}
    if "lines" in data:
        data["lines"] = [{**line, "tax_rate": "23"} for line in data["lines"]]
    return {**event, "data": data}


def _wanted(tenant: str, numbers: Iterable[int]) -> set[str]:
    own = [number if tenant == "uk" else number + 100_000 for number in numbers]
    prefix = "S1-" if tenant == "uk" else "S1E-"
    return {f"{prefix}{number}" for number in own} | {f"pi_{number}_{part}" for number in own for part in (1, 2)}


def _tell(what: str, seconds: float) -> None:
    """What was measured, for who runs the test with `-s`."""
    sys.stderr.write(f"{what} {seconds:.1f} s\n")
