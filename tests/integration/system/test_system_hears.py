"""Receiver, Kafka and worker hear Xero: what people do there is told once in events.xero, whoever dies meanwhile."""

import json
import shutil
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiokafka import AIOKafkaConsumer

from connectors.xero.sandbox.webhooks.orders import Orders
from streams.demo.processes import free_port
from tests.support.system import ROOT, System, order, running

NUMBERS = range(1001, 1011)
SECRET = "the key of the webhook"
XERO = "  xero-1:\n    connector: xero\n    secrets:\n      - env: LEDGERSTREAM_SECRET_XERO_1\n"


@pytest.fixture
async def system(broker: str, topic_prefix: str, tmp_path: Path) -> AsyncIterator[System]:
    async with running(broker, topic_prefix, tmp_path) as found:
        folder = tmp_path / "tenants"
        shutil.copytree(ROOT / "deploy" / "tenants", folder)
        (folder / "sources.yaml").write_text((folder / "sources.yaml").read_text() + XERO)
        port = free_port()
        found.settings |= {
            "LEDGERSTREAM_TENANTS": str(folder),
            "LEDGERSTREAM_SECRET_XERO_1": SECRET,
            "LEDGERSTREAM_RECEIVER_PORT": str(port),
        }
        await found.start("receiver")
        url = f"http://127.0.0.1:{port}/v1/sources/xero-1"
        found.sandbox.webhook.insist(url, SECRET)
        await found.until(lambda: _is_subscribed(found), "the receiver passes Xero's check")
        yield found
        await found.sandbox.webhook.close()


def _is_subscribed(system: System) -> bool:
    subscription = system.sandbox.webhook.subscription
    return subscription is not None and subscription.status == "ok"


class Told:
    """What is in events.xero, by change."""

    def __init__(self, system: System) -> None:
        self._system = system
        self.events: list[tuple[str, dict[str, Any]]] = []

    async def __aenter__(self) -> "Told":
        topic = self._system.prefix + "events.xero"
        self._consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=self._system.broker, auto_offset_reset="earliest", group_id=None
        )
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def read(self) -> None:
        for batch in (await self._consumer.getmany(timeout_ms=200)).values():
            for record in batch:
                headers = dict(record.headers)
                self.events.append((headers["ce_id"].decode(), json.loads(record.value)))

    def changes(self, word: str) -> Counter[str]:
        """How often a change was told of each document, deliveries of one event counted once."""
        once = {id_: data for id_, data in self.events}
        return Counter(data["number"] for data in once.values() if word in data["changes"] and data.get("number"))

    async def until(self, word: str, numbers: set[str], timeout_s: float = 60) -> None:
        async def look() -> bool:
            await self.read()
            return set(self.changes(word)) >= numbers

        for _ in range(int(timeout_s / 0.2)):
            if await look():
                return
        raise AssertionError(f"{word}: {self.changes(word)} of {numbers}\n{self._system.log()[-3000:]}")


async def by_hand(system: System, method: str, path: str, body: dict[str, Any]) -> None:
    url = (
        f"{system.settings['LEDGERSTREAM_XERO_API_URL'].split('/api.xro')[0]}/_sandbox/organisations/{system.uk}/{path}"
    )
    async with aiohttp.ClientSession() as session, session.request(method, url, json=body) as response:
        assert response.status == 200, await response.text()


async def pay(system: System, invoice: dict[str, Any]) -> None:
    payment = {
        "Invoice": {"InvoiceID": invoice["id"]},
        "Account": {"Code": "091"},
        "Date": "2026-11-24",
        "Amount": 24.0,
    }
    await by_hand(system, "POST", "payments", payment)


@pytest.mark.timeout(240)
async def test_what_people_do_in_xero_is_told_once_whoever_dies(system: System) -> None:
    worker = await system.worker()
    await system.send([order(number) for number in NUMBERS])
    names = {f"S1-{number}" for number in NUMBERS}
    await system.until(lambda: len(system.books()["invoices"]) == len(names), "the invoices")
    invoices = {row["number"]: row for row in system.books()["invoices"]}
    async with Told(system) as told:
        await told.until("created", names)
        # Paid by hand, while deliveries double, come in another order and are lost, and the worker is killed.
        system.sandbox.webhook.orders = Orders(double=1, reorder=2)
        for at, name in enumerate(sorted(names)):
            await pay(system, invoices[name])
            if at == 4:
                worker.send_signal(signal.SIGKILL)
                await worker.wait()
                await system.sandbox.webhook.deliver()
                worker = await system.worker()
            if at == 7:
                system.sandbox.webhook.orders = Orders(lose=1)
            await system.sandbox.webhook.deliver()
        await by_hand(system, "PATCH", f"invoices/{invoices['S1-1001']['id']}", {"Reference": "asked by phone"})
        found = await system.cli("resync", "--since", "2026-11-01", "--tenant", "uk", "--json")
        assert found.returncode == 0, found.stderr
        assert json.loads(found.stdout)["tenants"] == ["uk"]
        await told.until("paid", names)
        await told.until("edited", {"S1-1001"})
        assert set(told.changes("paid").values()) == {1}
        assert {data["by"] for _, data in told.events if "paid" in data["changes"]} == {"others"}
    # What is told comes to an end in the ledger like every event, and the audit holds.
    await _audited(system)


async def _audited(system: System) -> None:
    for _ in range(40):
        audit = await system.cli("audit", "--json")
        found = json.loads(audit.stdout) if audit.stdout else {}
        if audit.returncode == 0:
            assert {"events.xero", "raw"} <= {one["topic"] for one in found["topics"]}, found
            return
    raise AssertionError(audit.stdout + audit.stderr)


async def test_resync_says_what_it_needs(system: System) -> None:
    await system.worker()
    wrong = await system.cli("resync", "--since", "yesterday")
    assert (wrong.returncode, "2026-11-01" in wrong.stderr) == (2, True)
    sources = Path(system.settings["LEDGERSTREAM_TENANTS"]) / "sources.yaml"
    sources.write_text(sources.read_text().replace(XERO, ""))
    deaf = await system.cli("resync", "--since", "2026-11-01")
    assert (deaf.returncode, "connector xero" in deaf.stderr) == (2, True)
