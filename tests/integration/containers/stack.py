"""The compose file, up: its services, and what is asked of them from outside."""

import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.xero.sandbox import Sandbox
from streams.kafka import broker
from tests.integration.containers import engine

PORTS = ("SANDBOX_PORT", "RECEIVER_PORT", "METRICS_PORT")


@dataclass(frozen=True, slots=True)
class Stack:
    """`ports` are those of loopback that the services are published on, by the variable that chooses each."""

    checkout: Path
    project: str
    ports: dict[str, str]

    def compose(self, *words: str) -> str:
        named = (*engine.compose(), "--project-name", self.project)
        return engine.run(*named, *words, cwd=self.checkout, environment=self.ports)

    def container(self, service: str) -> str:
        """The container's id."""
        return self.compose("ps", "--all", "--quiet", service).strip()

    def state(self, service: str) -> Any:
        """What the engine says of the container's state: Status, ExitCode, Health, ..."""
        [found] = json.loads(engine.run("docker", "inspect", self.container(service)))
        return found["State"] | {"RestartCount": found["RestartCount"]}

    def log(self, service: str) -> str:
        return self.compose("logs", "--no-color", service)

    def get(self, port: str, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[port]}{path}", timeout=10) as answer:
            return bytes(answer.read())

    def place(self, number: str) -> None:
        """Send an order of shop-2 to the receiver; it is accepted."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports['RECEIVER_PORT']}/v1/events",
            data=json.dumps(_order(number)).encode(),
            headers={
                "Authorization": "Bearer for-the-sandbox-shop-2",
                "Content-Type": "application/cloudevents+json",
            },
        )
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 (loopback)
            assert answer.status == 202

    def invoices(self) -> list[str]:
        """The numbers of the British organisation's invoices in the sandbox."""
        books = json.loads(self.get("SANDBOX_PORT", f"/_sandbox/books/{Sandbox().organisations[0].tenant_id}"))
        return sorted(invoice["number"] for invoice in books["invoices"])

    def until(self, true: Callable[[], bool], what: str, timeout_s: float = 120.0) -> None:
        """Wait until `true()` holds; an address that does not answer yet does not hold."""
        end = time.monotonic() + timeout_s
        while not _holds(true):
            assert time.monotonic() < end, f"not within {timeout_s} s: {what}\n{self.compose('logs', '--tail=30')}"
            time.sleep(0.5)

    def until_healthy(self, *services: str) -> None:
        for service in services:
            self.until(lambda: self.state(service)["Health"]["Status"] == "healthy", f"{service} is healthy")  # noqa: B023 (called at once)


@contextmanager
def up(checkout: Path) -> Iterator[Stack]:
    """All services, and nothing left of them after."""
    stack = Stack(checkout, f"ledgerstream-{secrets.token_hex(4)}", {name: str(broker.free_port()) for name in PORTS})
    try:
        stack.compose("up", "--detach")
        yield stack
    finally:
        stack.compose("down", "--volumes", "--timeout", "5")


def _holds(true: Callable[[], bool]) -> bool:
    try:
        return true()
    except (urllib.error.URLError, ConnectionError):
        return False


def _order(number: str) -> dict[str, Any]:
    line = {"id": "1", "description": "Mug", "quantity": "2", "unit_amount": "12.00", "tax_rate": "20"}
    return {
        "specversion": "1.0",
        "id": f"order-{number}-placed",
        "source": "shop-2",
        "type": "com.ledgerstream.OrderPlaced.v1",
        "sequence": "1",
        "subject": f"order:{number}",
        "data": {
            "order_id": number,
            "number": number,
            "currency": "GBP",
            "placed_at": "2026-11-24T09:30:00Z",
            "customer": {"id": "77", "name": "Ada Smith"},
            "taxes_included": True,
            "lines": [line],
            "total": "24.00",
        },
    }
