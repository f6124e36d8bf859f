"""kcat as a producer that is not ours, and what a worker refuses to start with: a sentence, a remedy, an exit code."""

import asyncio
import json
import shutil
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from xero_python.accounting import AccountingApi
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.api_client.oauth2 import OAuth2Token

from tests.support.system import ROOT, System, order, running


@pytest.fixture
async def system(broker: str, topic_prefix: str, tmp_path: Path) -> AsyncIterator[System]:
    async with running(broker, topic_prefix, tmp_path) as found:
        yield found


async def kcat(system: System, headers: list[str], value: bytes) -> None:
    """Produce one record as a person would."""
    arguments = [part for header in headers for part in ("-H", header)]
    process = await asyncio.create_subprocess_exec(
        *("kcat", "-P", "-b", system.broker, "-t", system.prefix + "events.orders", "-k", "order:1", *arguments),
        stdin=asyncio.subprocess.PIPE,
    )
    await process.communicate(value)
    assert process.returncode == 0


def listed_by_sdk(system: System) -> set[tuple[str, Decimal]]:
    """Number and total of every invoice, as Xero's own SDK reads them."""
    api_url = system.settings["LEDGERSTREAM_XERO_API_URL"]
    credentials = system.sandbox.credentials
    form = {"grant_type": "client_credentials", **credentials._asdict()}
    asked = urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(api_url.partition("/api.xro")[0] + "/connect/token", asked) as answer:  # noqa: S310 the sandbox's address
        token = json.load(answer)
    configuration = Configuration(oauth2_token=OAuth2Token(credentials.client_id, credentials.client_secret))
    client = ApiClient(configuration, pool_threads=1)
    client.oauth2_token_getter(lambda: token)
    client.oauth2_token_saver(lambda _token: None)
    try:
        found = AccountingApi(client, base_url=api_url).get_invoices(system.uk, page=1).invoices
    finally:
        client.rest_client.pool_manager.clear()
    return {(invoice.invoice_number, invoice.total) for invoice in found}


async def test_kcat_produces_both_modes_and_both_invoices_appear(system: System) -> None:
    await system.worker()
    structured, binary = order(1), order(2)
    await kcat(system, ["content-type=application/cloudevents+json"], json.dumps(structured).encode())
    attributes = [f"ce_{name}={value}" for name, value in binary.items() if name != "data"]
    await kcat(system, ["content-type=application/json", *attributes], json.dumps(binary["data"]).encode())
    await system.until(lambda: len(system.books()["invoices"]) == 2, "two invoices")
    listed = await asyncio.to_thread(listed_by_sdk, system)
    assert listed == {("S1-1", Decimal("24.00")), ("S1-2", Decimal("24.00"))}


async def test_a_second_worker_on_sqlite_is_refused(system: System) -> None:
    await system.worker()
    await system.send([order(1)])
    await system.until(lambda: len(system.books()["invoices"]) == 1, "an invoice")
    second = await system.cli("worker")
    assert second.returncode == 4
    assert "A worker is running on this ledger already" in second.stderr


async def test_a_ledger_from_a_backup_is_refused(system: System, tmp_path: Path) -> None:
    first = await system.worker()
    await system.send([order(1)])
    await system.until(lambda: len(system.books()["invoices"]) == 1, "an invoice")
    first.terminate()
    assert await system.ended(first) == 0
    backup = tmp_path / "backup.db"
    shutil.copy(tmp_path / "ledger.db", backup)
    second = await system.worker()
    await system.send([order(2)])
    await system.until(lambda: len(system.books()["invoices"]) == 2, "a second invoice")
    await asyncio.sleep(1.5)  # the topic `ledger` is told once a second
    second.terminate()
    assert await system.ended(second) == 0
    for name in ("ledger.db-wal", "ledger.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.copy(backup, tmp_path / "ledger.db")
    refused = await system.cli("worker")
    assert refused.returncode == 4
    assert "The ledger is older than this Kafka" in refused.stderr
    assert len(system.books()["invoices"]) == 2
    await system.worker("--restored")
    await system.send([order(3)])
    await system.until(lambda: len(system.books()["invoices"]) == 3, "a third invoice")
    await asyncio.sleep(4)
    assert sorted(row["number"] for row in system.books()["invoices"]) == ["S1-1", "S1-2", "S1-3"]


async def test_wrong_files_settings_and_a_missing_broker_are_sentences(system: System, tmp_path: Path) -> None:
    folder = tmp_path / "tenants"
    shutil.copytree(ROOT / "deploy" / "tenants", folder)
    file = folder / "uk.yaml"
    file.write_text(file.read_text().replace("time_zone: Europe/London", "time_zone: Europe/Londn"))
    settings = dict(system.settings)
    system.settings["LEDGERSTREAM_TENANTS"] = str(folder)
    wrong_file = await system.cli("worker")
    assert wrong_file.returncode == 2
    assert (
        "uk.yaml:4: time_zone: got 'Europe/Londn': no such time zone; did you mean Europe/London?" in wrong_file.stderr
    )
    system.settings = settings | {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    no_broker = await system.cli("worker")
    assert no_broker.returncode == 3
    assert "no Kafka answers at 127.0.0.1:1" in no_broker.stderr


async def test_a_wrong_token_is_refused_at_the_start_and_the_right_one_books(system: System) -> None:
    right = system.settings["LEDGERSTREAM_XERO_CLIENT_SECRET"]
    system.settings["LEDGERSTREAM_XERO_CLIENT_SECRET"] = "wrong"
    await system.send([order(1)])
    refused = await system.cli("worker")
    assert refused.returncode == 2
    assert "Xero gives no access token (invalid_client). Check LEDGERSTREAM_XERO_CLIENT_ID" in refused.stderr
    assert "then start the worker again." in refused.stderr
    system.settings["LEDGERSTREAM_XERO_CLIENT_SECRET"] = right
    paused = await system.cli("pause", "--tenant", "uk", "--reason", "while the secret is changed")
    assert paused.returncode == 0, paused.stderr
    await system.worker()
    await system.until(
        lambda: "while the secret is changed" in system.log(), "who starts a worker hears what is stopped"
    )
    resumed = await system.cli("resume", "--tenant", "uk")
    assert resumed.returncode == 0, resumed.stderr
    await system.until(lambda: len(system.books()["invoices"]) == 1, "the invoice")
