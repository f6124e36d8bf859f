"""The worker dies as from -9 between any two steps; the next one goes on. None missing, none twice (G1, G2)."""

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.xero.sandbox import Address, Fault, Sandbox
from schemas.commands import CommandRecord, Commands, RecordPayment, UpsertContact, UpsertInvoice
from streams.sender.gate import POINTS
from tests.integration.sender.stream import encoded, sixty_orders
from tests.integration.sender.worker import Orders, is_quiet
from tests.integration.sender.world import HURRIED
from tests.support.kafka import until

Books = tuple[Counter[Any], Counter[Any], Counter[Any]]
# Until a request of the dead worker can no longer be under way, its slot is taken: so much time passes between.
BETWEEN_S = 8.0


class Site:
    """A sandbox in this process, and a ledger for workers in others."""

    def __init__(self, folder: Path, sandbox: Sandbox, address: Address) -> None:
        self.sandbox = sandbox
        self._folder = folder
        self._address = address
        self._ahead_s = 0.0
        self.database = folder / "ledger.db"
        self._records = folder / "records.jsonl"
        self._records.write_bytes(encoded(sixty_orders()))

    async def start(self, die_at: str = "", die_nth: int = 1) -> asyncio.subprocess.Process:
        credentials = self.sandbox.credentials
        orders = Orders(
            database=str(self.database),
            records=str(self._records),
            given=(
                self._address.api_url,
                self._address.identity_url,
                credentials.client_id,
                credentials.client_secret,
            ),
            xero_tenant_id=self.sandbox.organisations[0].tenant_id,
            patience=HURRIED,
            die_at=die_at,
            die_nth=die_nth,
            ahead_s=self._ahead_s,
        )
        path = self._folder / "orders.json"
        path.write_bytes(msgspec.json.encode(orders))
        self._ahead_s += BETWEEN_S
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.integration.sender.worker",
            str(path),
            stdout=asyncio.subprocess.DEVNULL,
            cwd=Path(__file__).parents[3],
        )

    async def finish(self) -> None:
        """Workers until one has nothing left to do."""
        process = await self.start()
        assert await asyncio.wait_for(process.wait(), 60) == 0
        assert is_quiet(str(self.database))

    def books(self) -> Books:
        books = self.sandbox.books(self.sandbox.organisations[0].tenant_id)
        contacts = Counter(one["number"] for one in books["contacts"] if one["number"])
        invoices = Counter((one["number"], Decimal(one["total"]), one["status"]) for one in books["invoices"])
        payments = Counter(
            (one["document_number"], Decimal(one["amount"]), one["reference"]) for one in books["payments"]
        )
        return contacts, invoices, payments


def expected(records: list[CommandRecord]) -> Books:
    """What the source says, without anything of the ledger or the sender."""
    contacts: Counter[Any] = Counter()
    invoices: Counter[Any] = Counter()
    payments: Counter[Any] = Counter()
    numbers: dict[str, str] = {}
    for record in records:
        assert isinstance(record.outcome, Commands)
        for command in record.outcome.commands:
            payload = command.payload
            if isinstance(payload, UpsertContact):
                contacts[payload.number] = 1
            elif isinstance(payload, UpsertInvoice):
                numbers[command.effect_key] = payload.number
                invoices[payload.number, payload.total, "PAID"] += 1
            elif isinstance(payload, RecordPayment):
                payments[numbers[payload.invoice], payload.amount, payload.reference] += 1
    return contacts, invoices, payments


@contextlib.asynccontextmanager
async def site(folder: Path) -> AsyncIterator[Site]:
    sandbox = Sandbox()
    async with sandbox.serve() as address:
        yield Site(folder, sandbox, address)


@pytest.mark.parametrize("point", POINTS)
async def test_killed_at_every_named_point(tmp_path: Path, point: str) -> None:
    async with site(tmp_path) as here:
        # So that there is something to send again, and something to look for, in every run.
        here.sandbox.order(Fault(method="PUT", path="Invoices", answer="drop", commit="all"))
        here.sandbox.order(Fault(method="PUT", path="Payments", answer="500", commit="half"))
        process = await here.start(point, die_nth=1 if point in ("resent", "looked") else 4)
        assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
        await here.finish()
        assert here.books() == expected(sixty_orders())
        assert here.sandbox.throttled["earned"] == 0


@pytest.mark.all
async def test_killed_at_the_first_of_each_point_one_after_another(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        for point in ("planned", "opened", "answered", "noted", "settled"):
            process = await here.start(point)
            assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
        await here.finish()
        assert here.books() == expected(sixty_orders())


@pytest.mark.all
@pytest.mark.timeout(600)
async def test_killed_at_twenty_random_moments(tmp_path: Path) -> None:
    seed = int(os.environ.get("SEED", "0")) or random.randrange(1, 10**9)
    sys.stderr.write(f"SEED={seed}\n")
    chance = random.Random(seed)
    for round_ in range(20):
        folder = tmp_path / str(round_)
        folder.mkdir()
        async with site(folder) as here:
            process = await here.start()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), chance.uniform(0.8, 3.5))
            if process.returncode is None:
                process.kill()
                await process.wait()
            await here.finish()
            assert here.books() == expected(sixty_orders()), f"SEED={seed}, round {round_}"


async def test_sigterm_lets_answers_come_and_leaves_the_rest_to_recovery(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        here.sandbox.order(Fault(method="PUT", path="Contacts", delay_s=0.8))
        here.sandbox.order(Fault(method="PUT", path="Invoices", answer="hang", commit="all", times=0))
        process = await here.start()
        await until(lambda: any(call.path.endswith("/Contacts") for call in here.sandbox.calls), "a call", 40)
        process.terminate()
        await asyncio.sleep(0.5)
        begun = len(here.sandbox.calls)
        assert await asyncio.wait_for(process.wait(), 10) == 0
        assert len(here.sandbox.calls) == begun
        here.sandbox.clear_faults()
        await here.finish()
        assert here.books() == expected(sixty_orders())
