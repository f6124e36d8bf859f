"""receiver_vs_bare: signed webhooks a second, each answered when the broker has it, by a receiver with one core.

Webhooks of Stripe are verified and produced as they came, which a bare handler can do as well. Orders at the door for
CloudEvents are checked against their contract too; that figure stands alone.

Broker and senders have the other core; the senders write requests that were made before. Seconds of the receiver's
core which other processes took are left out. Rounds are interleaved; medians.
"""

import asyncio
import contextlib
import hashlib
import hmac
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from connectors.auth import sign
from connectors.base import HttpRequest, Secret
from schemas.envelope import STRUCTURED
from schemas.topics import TOPICS
from streams.demo.events import cloud_event, stripe_payment
from streams.kafka import topics
from streams.kafka.broker import free_port
from tests.bench import broker, events, machine
from tests.bench.rows import Row, compared, measured
from tests.support.cli import COMMAND, environment
from tests.support.system import ROOT, SECRETS

REQUESTS: Final = 4_000
ROUNDS: Final = 3
CONNECTIONS: Final = 32
_READY_S: Final = 30.0


def measure() -> list[Row]:
    """Ours against bare aiohttp."""
    return asyncio.run(_measure(broker.address()))


async def _measure(bootstrap: str) -> list[Row]:
    prefix = f"bench-{time.time_ns()}."
    await topics.ensure(bootstrap, prefix)
    ours, bare, checked = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        async with _receiver(bootstrap, prefix, Path(folder)) as one, _bare(bootstrap, prefix) as other:
            for number in range(ROUNDS):
                ours.append(await _speed(one, _webhooks(f"ours-{number}")))
                bare.append(await _speed(other, _webhooks(f"bare-{number}")))
                checked.append(await _speed(one, _orders(f"orders-{number}")))
    value, against = statistics.median(ours), statistics.median(bare)
    return [
        compared("receiver_vs_bare", value, "requests/s", "bare aiohttp handler", against, at_least=0.8),
        measured("receiver_orders", statistics.median(checked), "requests/s"),
    ]


class _Server:
    """A process that takes requests at a port."""

    def __init__(self, process: "subprocess.Popen[Any]", port: int) -> None:
        self.pid = process.pid
        self.port = port


async def _speed(server: _Server, made: Iterator[bytes]) -> float:
    requests = iter(list(made))
    core = machine.cores()[0]
    own, taken, began = machine.cpu_seconds(server.pid), machine.taken_seconds(core), time.monotonic()
    await asyncio.gather(*(_send(server.port, requests) for _ in range(CONNECTIONS)))
    seconds = time.monotonic() - began
    own, taken = machine.cpu_seconds(server.pid) - own, machine.taken_seconds(core) - taken
    return REQUESTS / (seconds - max(taken - own, 0.0))


def _webhooks(name: str) -> Iterator[bytes]:
    """Payments as Stripe tells of them, signed now."""
    secret, now = "secret-of-STRIPE_1", datetime.now(UTC)
    for order in events.orders(REQUESTS, customers=500):
        event = stripe_payment(f"{name}-{order.number}", order.total, now, order=order.number)
        body = orjson.dumps(event.document)
        timestamp = int(now.timestamp())
        signature = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "Stripe-Signature": f"t={timestamp},v1={signature}"}
        yield _request("/v1/sources/stripe-1", headers, body)


def _orders(name: str) -> Iterator[bytes]:
    """Orders of one to five lines, signed now."""
    for order in events.orders(REQUESTS, customers=500):
        event = cloud_event(
            "OrderPlaced",
            order.wire(),
            source=order.source,
            id=f"{name}-{order.number}",
            time=order.placed_at,
            sequence=1,
        )
        body = orjson.dumps(event.document)
        request = HttpRequest("POST", "/v1/events", (("content-type", STRUCTURED),), body)
        signature = sign(Secret("secret-of-SHOP_1"), request, int(time.time()))
        headers = {
            "Content-Type": STRUCTURED,
            "Ledgerstream-Source": order.source,
            "Ledgerstream-Signature": signature,
        }
        yield _request("/v1/events", headers, body)


def _request(path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: receiver", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _send(port: int, requests: Iterator[bytes]) -> None:
    """One connection: a request, its whole answer, the next."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 20"):
            raise RuntimeError(f"the receiver refused what the bench sent: {head[:200]!r}")
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        if int(length):
            await reader.readexactly(int(length))
    writer.close()
    await writer.wait_closed()


@asynccontextmanager
async def _receiver(bootstrap: str, prefix: str, home: Path) -> AsyncIterator[_Server]:
    """The product's receiver as people run it, with its log in a file."""
    port = free_port()
    settings = {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "LEDGERSTREAM_TOPIC_PREFIX": prefix,
        "LEDGERSTREAM_HOME": str(home),
        "LEDGERSTREAM_TENANTS": str(ROOT / "deploy" / "tenants"),
        "LEDGERSTREAM_RECEIVER_PORT": str(port),
        "LEDGERSTREAM_TENANT_UK": "uk",
        "LEDGERSTREAM_TENANT_IE": "ie",
        **{f"LEDGERSTREAM_SECRET_{name}": f"secret-of-{name}" for name in SECRETS},
    }
    path = home / "receiver.log"
    with path.open("wb") as log:
        process = _start([*COMMAND, "receiver"], stdout=log, stderr=log, env=environment(settings))
        async with _ended(process):
            await _listening(port, path)
            yield _Server(process, port)


@asynccontextmanager
async def _bare(bootstrap: str, prefix: str) -> AsyncIterator[_Server]:
    topic = TOPICS["raw"].full_name(prefix)
    command = [sys.executable, "-m", "tests.bench.receiver_bare", bootstrap, topic, "secret-of-STRIPE_1"]
    process = _start(command, stdout=subprocess.PIPE, env=dict(os.environ))
    async with _ended(process):
        assert process.stdout is not None
        yield _Server(process, int(await asyncio.to_thread(process.stdout.readline)))


def _start(command: Sequence[str], **options: Any) -> "subprocess.Popen[Any]":
    with machine.on_core(machine.cores()[0]):
        return subprocess.Popen(command, cwd=ROOT, **options)


@asynccontextmanager
async def _ended(process: "subprocess.Popen[Any]") -> AsyncIterator[None]:
    try:
        yield
    finally:
        process.kill()
        process.communicate()


async def _listening(port: int, log: Path) -> None:
    until = time.monotonic() + _READY_S
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            await writer.wait_closed()
            return
        await asyncio.sleep(0.1)
    raise RuntimeError(f"nothing listens on port {port} after {_READY_S:g} s: {log.read_text()[-2000:]}")
