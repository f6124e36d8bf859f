"""hearing_median_ms: from a payment that a person records in Xero to its event in the topic events.xero.

Receiver, Kafka, worker and ledger are as in production. The sandbox is in this process, and sends its webhooks as soon
as something changes: how long Xero itself gathers them, it does not say.
"""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiokafka import AIOKafkaConsumer

from connectors.xero.sandbox import Switches
from streams.kafka.broker import free_port
from tests.bench import broker
from tests.bench.rows import Row, measured
from tests.support.system import System, order, running

PAYMENTS: Final = 40
PAUSE_S: Final = 1.3
KEY: Final = "the key of the webhook"
_SOURCE: Final = "  xero-1:\n    connector: xero\n    secrets:\n      - env: LEDGERSTREAM_SECRET_XERO_1\n"
_TENANTS: Final = Path(__file__).resolve().parents[2] / "deploy" / "tenants"
_LATE_S: Final = 30.0


def measure() -> list[Row]:
    """The middle, and the worst of ten."""
    waits = sorted(asyncio.run(_waits(broker.address())))
    return [
        measured("hearing_median_ms", statistics.median(waits) * 1000, "ms", at_most=2000),
        measured("hearing_p90_ms", waits[int(len(waits) * 0.9)] * 1000, "ms"),
    ]


@dataclass(slots=True)
class _Xero:
    """The books, as a person at their screen, and what is told of them."""

    system: System
    admin: str
    session: aiohttp.ClientSession
    told: AIOKafkaConsumer

    async def wait_of(self, invoice: dict[str, Any]) -> float:
        """Seconds from the payment to its event."""
        payment = {
            "Invoice": {"InvoiceID": invoice["id"]},
            "Account": {"Code": "091"},
            "Date": "2026-11-24",
            "Amount": 24,
        }
        began = time.monotonic()
        async with self.session.post(f"{self.admin}/payments", json=payment) as answer:
            assert answer.status == 200, await answer.text()
        while time.monotonic() < began + _LATE_S:
            for records in (await self.told.getmany(timeout_ms=20)).values():
                for record in records:
                    data = json.loads(record.value)
                    if data.get("number") == invoice["number"] and "paid" in data["changes"]:
                        return time.monotonic() - began
        raise RuntimeError(f"{invoice['number']} is not told within {_LATE_S:g} s: {self.system.log()[-2000:]}")


async def _waits(bootstrap: str) -> list[float]:
    async with _xero(bootstrap) as xero:
        numbers = range(1, PAYMENTS + 1)
        await xero.system.send([order(number) for number in numbers])
        books = xero.system.books
        await xero.system.until(lambda: len(books()["invoices"]) == PAYMENTS, "the invoices")
        # What was booked is told too, and is not what is measured.
        await asyncio.sleep(5)
        waits = []
        for invoice in books()["invoices"]:
            waits.append(await xero.wait_of(invoice))
            await asyncio.sleep(PAUSE_S)
    return waits


@asynccontextmanager
async def _xero(bootstrap: str) -> AsyncIterator[_Xero]:
    with tempfile.TemporaryDirectory() as folder:
        home, prefix = Path(folder), f"bench-{time.time_ns()}."
        switches = Switches(webhook_gather_ms=0)
        async with running(bootstrap, prefix, home, switches=switches) as system, aiohttp.ClientSession() as session:
            port = free_port()
            _write_tenants(home / "tenants")
            system.settings.update(
                LEDGERSTREAM_TENANTS=str(home / "tenants"),
                LEDGERSTREAM_RECEIVER_PORT=str(port),
                LEDGERSTREAM_SECRET_XERO_1=KEY,
                LEDGERSTREAM_XERO_TIMEOUT_S="30",
            )
            await system.start("receiver")
            await system.start("worker")
            webhook = system.sandbox.webhook
            webhook.insist(f"http://127.0.0.1:{port}/v1/sources/xero-1", KEY)
            await system.until(
                lambda: webhook.subscription is not None and webhook.subscription.status == "ok", "the webhook"
            )
            told = AIOKafkaConsumer(f"{prefix}events.xero", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
            await told.start()
            base = system.settings["LEDGERSTREAM_XERO_API_URL"].split("/api.xro")[0]
            try:
                yield _Xero(system, f"{base}/_sandbox/organisations/{system.uk}", session, told)
            finally:
                await told.stop()
                await webhook.close()


def _write_tenants(folder: Path) -> None:
    folder.mkdir()
    for file in _TENANTS.glob("*.yaml"):
        more = _SOURCE if file.name == "sources.yaml" else ""
        (folder / file.name).write_text(file.read_text() + more)
