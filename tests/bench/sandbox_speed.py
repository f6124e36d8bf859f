"""How fast the sandbox is: it must never be the bottleneck of what is measured against it.

The sandbox runs in a process of its own and is driven by bare aiohttp from this one.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import orjson

from connectors.xero.sandbox import Sandbox
from tests.bench.machine import cpu_seconds
from tests.bench.rows import Row, measured

CALLS: Final = 2_000
CALLS_GOAL: Final = 500
BATCHES: Final = 120
BATCH: Final = 50
DOCUMENTS_GOAL: Final = 3_000
CONNECTIONS: Final = 4


def measure() -> list[Row]:
    """Calls and documents a second, and how many its processor would do."""
    return asyncio.run(_measure())


async def _measure() -> list[Row]:
    async with _served() as (described, pid), aiohttp.ClientSession() as session:
        headers = await _signed_in(session, described)
        url = f"{described['api_url']}/Invoices?summarizeErrors=false"
        await _drive(session, "PUT", url, headers, [_invoices("warm", number, 1) for number in range(100)])
        singles = [_invoices("single", number, 1) for number in range(CALLS)]
        single_s, single_cpu_s = await _timed(_drive(session, "PUT", url, headers, singles), pid)
        batches = [_invoices("batch", number, BATCH) for number in range(BATCHES)]
        batch_s, batch_cpu_s = await _timed(_drive(session, "PUT", url, headers, batches), pid)
    documents = BATCHES * BATCH
    return [
        measured("sandbox_calls", CALLS / single_s, "calls/s", at_least=CALLS_GOAL),
        measured("sandbox_documents", documents / batch_s, "documents/s", at_least=DOCUMENTS_GOAL),
        measured("sandbox_calls_per_core_s", CALLS / single_cpu_s, "calls/core-second"),
        measured("sandbox_documents_per_core_s", documents / batch_cpu_s, "documents/core-second"),
    ]


@asynccontextmanager
async def _served() -> AsyncIterator[tuple[dict[str, Any], int]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.unlimited_xero", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield orjson.loads(await process.stdout.readline()), process.pid
    finally:
        process.terminate()
        await process.wait()


async def _signed_in(session: aiohttp.ClientSession, described: dict[str, Any]) -> dict[str, str]:
    form = {
        "grant_type": "client_credentials",
        "client_id": described["client_id"],
        "client_secret": described["client_secret"],
    }
    async with session.post(f"{described['identity_url']}/connect/token", data=form) as response:
        token = (await response.json())["access_token"]
    return {
        "Authorization": f"Bearer {token}",
        "xero-tenant-id": Sandbox().organisations[0].tenant_id,
        "Accept": "application/json",
    }


async def _drive(
    session: aiohttp.ClientSession, method: str, url: str, headers: dict[str, str], bodies: Sequence[bytes]
) -> None:
    """Send every body over a few connections, and make sure that each element was accepted."""
    left = iter(bodies)

    async def send() -> None:
        for body in left:
            async with session.request(method, url, data=body, headers=headers) as response:
                answer = await response.read()
                if response.status != 200 or b'"ERROR"' in answer:
                    raise RuntimeError(f"the sandbox refused what the bench sent: {response.status} {answer[:300]!r}")

    await asyncio.gather(*(send() for _ in range(CONNECTIONS)))


async def _timed(work: Any, pid: int) -> tuple[float, float]:
    """Seconds of the clock, and of the server's processor."""
    started_s, started_cpu_s = time.perf_counter(), cpu_seconds(pid)
    await work
    return time.perf_counter() - started_s, cpu_seconds(pid) - started_cpu_s


def _invoices(prefix: str, number: int, count: int) -> bytes:
    """A body of `count` approved invoices of three lines each, for customers that recur."""
    lines = [
        {"Description": "Mug", "Quantity": 2, "UnitAmount": 12.5, "AccountCode": "200", "TaxType": "OUTPUT2"},
        {"Description": "Book", "Quantity": 1, "UnitAmount": 9.99, "AccountCode": "200", "TaxType": "ZERORATEDOUTPUT"},
        {"Description": "Shipping", "Quantity": 1, "UnitAmount": 3.95, "AccountCode": "201", "TaxType": "OUTPUT2"},
    ]
    invoices = [
        {
            "Type": "ACCREC",
            "Status": "AUTHORISED",
            "InvoiceNumber": f"{prefix}-{number}-{place}",
            "Contact": {"Name": f"Customer {(number * count + place) % 400}"},
            "Date": "2026-09-14",
            "DueDate": "2026-09-28",
            "LineAmountTypes": "Inclusive",
            "LineItems": lines,
        }
        for place in range(count)
    ]
    return orjson.dumps({"Invoices": invoices})
