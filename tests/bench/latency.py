"""idle_latency_p99_ms: from the receiver's 202 to the moment at which the call reaches Xero, with nothing else to do.

Receiver, Kafka, worker and ledger are as in production; the sandbox is in this process, so both moments are of one
clock. Eight organisations take turns, so that none has used up the half of its minute from which calls are held back.
Each order is of a customer whom Xero knows: one order, one call.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import aiohttp
import orjson

from schemas.envelope import STRUCTURED
from streams.demo.catalogue import Order
from streams.demo.events import cloud_event
from streams.kafka.broker import free_port
from tests.bench import broker, events, organisations
from tests.bench.rows import Row, measured
from tests.support.system import System, running

ORGANISATIONS: Final = 8
ORDERS: Final = 160
# Between two orders; an organisation's turn comes every eighth time, some twenty times a minute.
PAUSE_S: Final = 0.36
_READY_S: Final = 60.0
_CALL_S: Final = 20.0


def measure() -> list[Row]:
    """The worst of a hundred, and the middle."""
    waits = sorted(asyncio.run(_waits(broker.address())))
    p99 = waits[int(len(waits) * 0.99)]
    return [
        measured("idle_latency_p99_ms", p99 * 1000, "ms", at_most=250),
        measured("idle_latency_median_ms", statistics.median(waits) * 1000, "ms"),
    ]


@dataclass(slots=True)
class _Shops:
    """The running system, seen from the shops."""

    system: System
    url: str
    session: aiohttp.ClientSession

    async def wait_of(self, order: Order) -> float:
        """Seconds from the moment at which the order was accepted to that at which its invoice came to Xero."""
        before = self._invoices()
        accepted_at = await self._send(order)
        await self.system.until(lambda: len(self._invoices()) > len(before), f"the call of {order.number}", _CALL_S)
        return (self._invoices()[-1] - accepted_at).total_seconds()

    async def _send(self, order: Order) -> datetime:
        identity = f"{order.source}-{order.number}"
        event = cloud_event(
            "OrderPlaced", order.wire(), source=order.source, id=identity, time=order.placed_at, sequence=1
        )
        headers = {
            "Content-Type": STRUCTURED,
            "Ledgerstream-Source": order.source,
            "Authorization": f"Bearer {organisations.token_of(order.source)}",
        }
        body = orjson.dumps(event.document)
        async with self.session.post(f"{self.url}/v1/events", data=body, headers=headers) as response:
            accepted_at = datetime.now(UTC)
            assert response.status == 202, await response.text()
            return accepted_at

    def _invoices(self) -> list[datetime]:
        return [call.at for call in self.system.sandbox.calls if call.path.endswith("/Invoices")]


async def _waits(bootstrap: str) -> list[float]:
    placed = events.orders(ORDERS + ORGANISATIONS, customers=1)
    async with _shops(bootstrap) as shops:
        waits = []
        for number, order in enumerate(placed):
            source = organisations.shop(number % ORGANISATIONS)
            waits.append(await shops.wait_of(replace(order, source=source)))
            await asyncio.sleep(PAUSE_S)
    # The first of each shop brings the customer too.
    return waits[ORGANISATIONS:]


@asynccontextmanager
async def _shops(bootstrap: str) -> AsyncIterator[_Shops]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        async with running(bootstrap, f"bench-{time.time_ns()}.", home) as system, aiohttp.ClientSession() as session:
            organisations.write_files(home / "tenants", organisations.add(system.sandbox, ORGANISATIONS))
            port, metrics_port = free_port(), free_port()
            system.settings.update(
                LEDGERSTREAM_TENANTS=str(home / "tenants"),
                LEDGERSTREAM_RECEIVER_PORT=str(port),
                LEDGERSTREAM_METRICS_PORT=str(metrics_port),
                LEDGERSTREAM_XERO_TIMEOUT_S="30",
            )
            await system.start("receiver")
            await system.start("worker")
            for needed in (port, metrics_port):
                await _ready(session, f"http://127.0.0.1:{needed}/readyz", system)
            yield _Shops(system, f"http://127.0.0.1:{port}", session)


async def _ready(session: aiohttp.ClientSession, url: str, system: System) -> None:
    until = time.monotonic() + _READY_S
    while time.monotonic() < until:
        try:
            async with session.get(url) as response:
                if response.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.2)
    raise RuntimeError(f"{url} is not ready within {_READY_S:g} s: {system.log()[-2000:]}")
