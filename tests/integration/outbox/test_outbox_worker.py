"""A worker polls the outboxes of its sources: what a company writes into its database is an invoice in Xero."""

import asyncio
import json
import re
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import aiosqlite
import pytest

from connectors.outbox.store import Outbox
from tests.support.system import ROOT, System, order, running

SOURCE = """\
  erp-1:
    connector: outbox
    database:
      url: {env: LEDGERSTREAM_SECRET_ERP_1}
      poll_s: 0.1
"""
# Where each part of the source's business in uk.yaml begins.
OF_THE_TENANT = {
    "routes:\n": "  - source: erp-1\n",
    "numbers:\n": "  erp-1: {invoice: E1-, credit_note: E1-CN-}\n",
    "contacts:\n": "  erp-1: {channel_name: Customers of the ERP}\n",
}
STOP_S = 10.0


def configure(system: System, home: Path, database: Path) -> None:
    folder = home / "tenants"
    shutil.copytree(ROOT / "deploy" / "tenants", folder)
    sources = folder / "sources.yaml"
    sources.write_text(sources.read_text() + SOURCE)
    uk = (folder / "uk.yaml").read_text()
    for heading, line in OF_THE_TENANT.items():
        uk = uk.replace(f"\n{heading}", f"\n{heading}{line}", 1)
    (folder / "uk.yaml").write_text(uk)
    system.settings["LEDGERSTREAM_TENANTS"] = str(folder)
    system.settings["LEDGERSTREAM_SECRET_ERP_1"] = f"sqlite:///{database}"


async def write(file: Path, *payloads: str) -> None:
    async with aiosqlite.connect(file) as connection:
        for payload in payloads:
            await connection.execute(
                "INSERT INTO outbox (aggregatetype, aggregateid, type, payload) "
                "VALUES ('order', '1', 'com.ledgerstream.OrderPlaced.v1', ?)",
                (payload,),
            )
        await connection.commit()


async def scrape(system: System) -> dict[str, float]:
    """The figures of the source erp-1, by their metric."""
    address = re.search(r"The worker is ready; (http://[0-9.:]+)", system.log())
    assert address is not None
    async with aiohttp.ClientSession() as session, session.get(f"{address[1]}/metrics") as answer:
        text = await answer.text()
    return {name: float(value) for name, value in re.findall(r'^(\w+)\{source="erp-1"\} (\S+)$', text, re.MULTILINE)}


@pytest.mark.timeout(180)
async def test_a_row_becomes_an_invoice(broker: str, topic_prefix: str, tmp_path: Path) -> None:
    file = tmp_path / "company.db"
    file.touch()
    box = Outbox(f"sqlite:///{file}", "outbox")
    await box.install(datetime.now(UTC))
    placed = order(1)["data"]
    await write(file, json.dumps(placed), json.dumps({**placed, "total": "1,00"}))
    async with running(broker, topic_prefix, tmp_path) as system:
        configure(system, tmp_path, file)
        worker = await system.worker()
        await system.until(lambda: len(system.books()["invoices"]) == 1, "the invoice")
        [invoice] = system.books()["invoices"]
        assert invoice["number"].startswith("E1-")
        figures = await scrape(system)
        # As they were when the worker began: they are counted every 10 s.
        assert figures["ledgerstream_outbox_pending_rows"] == 2
        assert time.time() - 60 < figures["ledgerstream_outbox_oldest_pending_timestamp_seconds"] < time.time()
        assert time.time() - 60 < figures["ledgerstream_source_poll_last_success_timestamp_seconds"] < time.time()
        told = await system.cli("outbox", "status", "--json")
        [standing] = json.loads(told.stdout)
        assert (told.returncode, standing["waiting"], standing["rejected"]) == (1, 0, 1)
        assert standing["rows"][0]["reason"].startswith("payload.total: got 1,00, expected ")
        assert standing["leader"]
        worker.terminate()
        assert await asyncio.wait_for(worker.wait(), STOP_S) == 0, system.log()[-3000:]
        # Another worker need not wait for the lease to end.
        assert (await box.figures()).leader is None
    await box.close()
