"""The whole system around a worker process: a broker, a sandbox in this process, and events put straight into Kafka."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.xero.sandbox import Sandbox
from streams.kafka import topics
from streams.kafka.producer import Producer
from streams.kafka.records import Outgoing
from tests.support.cli import COMMAND, environment, ledgerstream

ROOT = Path(__file__).parents[2]
SECRETS = ("SHOP_1", "SHOP_2", "CRM_1", "JOBS_1", "STRIPE_1")
_TOPIC_OF = {"Order": "events.orders", "Payme": "events.payments", "Refun": "events.payments"}


@dataclass
class System:
    """`settings` are those of every process; `sandbox` is asked directly, in this process."""

    broker: str
    prefix: str
    home: Path
    sandbox: Sandbox
    settings: dict[str, str]
    producer: Producer
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    @property
    def uk(self) -> str:
        return self.sandbox.organisations[0].tenant_id

    def books(self) -> Mapping[str, Any]:
        return self.sandbox.books(self.uk)

    async def send(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Put CloudEvents (structured documents) into their topics and wait for the broker's word."""
        await self.producer.send_all(self._record(event) for event in events)

    def _record(self, event: Mapping[str, Any]) -> Outgoing:
        name = str(event["type"]).split(".")[2]
        headers = (("content-type", b"application/cloudevents+json"),)
        topic = self.prefix + _TOPIC_OF[name[:5]]
        return Outgoing(topic, str(event["subject"]).encode(), json.dumps(event).encode(), headers)

    async def worker(self, *trap: str) -> asyncio.subprocess.Process:
        """Start a worker; with a point and a number it kills itself there, else what is given are its options."""
        if len(trap) > 1:
            return await self._spawn(sys.executable, "-m", "tests.support.worker_process", *trap)
        return await self.start("worker", *trap)

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        """Start a verb that runs until it is stopped."""
        return await self._spawn(*COMMAND, *arguments)

    async def _spawn(self, *script: str) -> asyncio.subprocess.Process:
        log = (self.home / f"worker-{len(self.processes)}.log").open("wb")
        with contextlib.closing(log):
            process = await asyncio.create_subprocess_exec(
                *script, cwd=ROOT, env=environment(self.settings), stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    def log(self) -> str:
        """What the processes said, the newest last."""
        return "\n".join(file.read_text(errors="replace") for file in sorted(self.home.glob("worker-*.log")))

    async def ended(self, process: asyncio.subprocess.Process, timeout_s: float = 40) -> int:
        """Wait for a process to end by itself."""
        try:
            return await asyncio.wait_for(process.wait(), timeout_s)
        except TimeoutError:
            raise AssertionError(f"the worker did not end within {timeout_s} s\n{self.log()[-3000:]}") from None

    async def until(self, true: Any, what: str, timeout_s: float = 60) -> None:
        """Wait until `true()` holds."""
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        while not true():
            if loop.time() > end:
                raise AssertionError(f"not within {timeout_s} s: {what}\n{self.log()[-3000:]}")
            await asyncio.sleep(0.05)

    async def cli(self, *arguments: str) -> Any:
        """A verb against this system, as its CompletedProcess."""
        return await asyncio.to_thread(ledgerstream, *arguments, settings=self.settings, cwd=ROOT)

    async def stop(self) -> None:
        """End every process, in order where it can."""
        running = [process for process in self.processes if process.returncode is None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            try:
                await asyncio.wait_for(process.wait(), 15)
            except TimeoutError:
                process.kill()
                await process.wait()


@asynccontextmanager
async def running(broker: str, prefix: str, home: Path, **sandbox_options: Any) -> AsyncIterator[System]:
    """A system without a worker yet; `System.worker` starts them."""
    await topics.ensure(broker, prefix)
    producer = Producer(broker)
    await producer.start()
    sandbox = Sandbox(**sandbox_options)
    try:
        async with sandbox.serve() as address:
            settings = {
                "KAFKA_BOOTSTRAP_SERVERS": broker,
                "LEDGERSTREAM_TOPIC_PREFIX": prefix,
                "LEDGERSTREAM_CONSUMER_GROUP": prefix + "group",
                "LEDGERSTREAM_HOME": str(home),
                "LEDGERSTREAM_TENANTS": str(ROOT / "deploy" / "tenants"),
                "LEDGERSTREAM_XERO_API_URL": address.api_url,
                "LEDGERSTREAM_XERO_IDENTITY_URL": address.identity_url,
                "LEDGERSTREAM_XERO_CLIENT_ID": sandbox.credentials.client_id,
                "LEDGERSTREAM_XERO_CLIENT_SECRET": sandbox.credentials.client_secret,
                "LEDGERSTREAM_XERO_TIMEOUT_S": "2",
                "LEDGERSTREAM_METRICS_PORT": "0",
                "LEDGERSTREAM_TENANT_UK": sandbox.organisations[0].tenant_id,
                "LEDGERSTREAM_TENANT_IE": sandbox.organisations[1].tenant_id,
                **{f"LEDGERSTREAM_SECRET_{name}": f"secret-of-{name}" for name in SECRETS},
            }
            system = System(broker, prefix, home, sandbox, settings, producer)
            try:
                yield system
            finally:
                await system.stop()
    finally:
        await producer.stop()


def order(number: int, price: str = "24.00", *, version: int = 1, kind: str = "OrderPlaced") -> Mapping[str, Any]:
    """An order of shop-1 of one line with 20 % VAT inside."""
    return {
        "specversion": "1.0",
        "id": f"order-{number}-{version}",
        "source": "shop-1",
        "type": f"com.ledgerstream.{kind}.v1",
        "subject": f"order:{number}",
        "time": "2026-11-24T09:30:00Z",
        "sequence": str(version),
        "data": {
            "order_id": str(number),
            "number": str(number),
            "placed_at": "2026-11-24T09:30:00Z",
            "currency": "GBP",
            "customer": {"id": f"c{number % 7}", "name": f"Customer {number % 7}"},
            "lines": [{"id": "1", "description": "Mug", "unit_amount": price, "tax_rate": "20"}],
            "total": price,
            "taxes_included": True,
        },
    }


def payment(number: int, amount: str = "24.00", part: int = 1) -> Mapping[str, Any]:
    """A payment for that order, told by its gateway."""
    return {
        "specversion": "1.0",
        "id": f"payment-{number}-{part}",
        "source": "stripe-1",
        "type": "com.ledgerstream.PaymentReceived.v1",
        "subject": f"payment:pi_{number}_{part}",
        "time": "2026-11-24T09:31:00Z",
        "data": {
            "payment_id": f"pi_{number}_{part}",
            "gateway": "stripe",
            "amount": amount,
            "currency": "GBP",
            "received_at": "2026-11-24T09:31:00Z",
            "order": {"source": "shop-1", "id": str(number)},
        },
    }


def paid_orders(numbers: Iterable[int]) -> Sequence[Mapping[str, Any]]:
    """Orders with two part payments each, so that Xero's refusal of an over-payment cannot hide a double."""
    return [
        event
        for number in numbers
        for event in (order(number), payment(number, "10.00", 1), payment(number, "6.00", 2))
    ]
