"""The admin surface, the state file, and the sandbox as a process."""

import asyncio
import os
import shutil
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from connectors.xero.sandbox import ManualClock, Sandbox, SandboxError, Switches
from tests.contract.xero_sandbox.wire_client import Wire, wired

INVOICE = {
    "Type": "ACCREC",
    "Status": "AUTHORISED",
    "Contact": {"Name": "Ann"},
    "InvoiceNumber": "A-1",
    "Date": "2026-09-14",
    "DueDate": "2026-09-30",
    "LineItems": [{"Description": "Mug", "Quantity": 1, "UnitAmount": 0.1, "AccountCode": "200"}],
}


async def test_books_are_plain_and_decimal() -> None:
    async with wired(Sandbox()) as wire:
        await wire.call("PUT", "/Invoices", INVOICE)
        books = (await wire.admin("GET", f"/books/{wire.tenant}")).json
        invoice = books["invoices"][0]
        assert (invoice["total"], invoice["sub_total"], invoice["total_tax"]) == ("0.12", "0.10", "0.02")
        assert (invoice["number"], invoice["contact_name"], invoice["date"]) == ("A-1", "Ann", "2026-09-14")
        assert invoice["lines"][0]["unit_amount"] == "0.10"
        assert "there is no organisation" in (await wire.admin("GET", "/books/nope")).json["error"]


async def test_the_log_of_calls_says_who_earned_a_429() -> None:
    async with wired(Sandbox(switches=Switches(minute_limit=1))) as wire:
        await wire.admin("POST", "/faults", {"answer": "429-day", "path": "Contacts"})
        await wire.call("GET", "/Contacts")
        await wire.call("PUT", "/Contacts", {"Contacts": [{"Name": "Ann"}, {"Name": "Bea"}]}, key="k1")
        await wire.call("GET", "/Invoices")
        log = (await wire.admin("GET", "/calls")).json
        assert log["throttled"] == {"ordered": 1, "earned": 1}
        assert [(call["status"], call["throttled"]) for call in log["calls"]] == [
            (429, "ordered"),
            (200, ""),
            (429, "earned"),
        ]
        put = log["calls"][1]
        assert (put["elements"], put["committed"], put["key"], put["path"]) == (2, 2, "k1", "/api.xro/2.0/Contacts")
        assert len((await wire.admin("GET", "/calls?after=2")).json["calls"]) == 1
        await wire.admin("DELETE", "/calls")
        assert (await wire.admin("GET", "/calls")).json == {"throttled": {}, "calls": []}


async def test_faults_and_switches_are_listed_changed_and_refused() -> None:
    async with wired(Sandbox()) as wire:
        await wire.admin("POST", "/faults", {"answer": "500", "nth": 2})
        assert (await wire.admin("GET", "/faults")).json[0]["fault"]["nth"] == 2
        for wrong in ({"answer": "418"}, {"anser": "500"}, {"path": "("}):
            answer = await wire.admin("POST", "/faults", wrong)
            assert (answer.status, "fault" in answer.json["error"]) == (400, True)
        await wire.admin("DELETE", "/faults")
        assert (await wire.admin("GET", "/faults")).json == []
        assert (await wire.admin("PATCH", "/switches", {"window": "rolling"})).json["window"] == "rolling"
        assert wire.sandbox.switches.window == "rolling"
        assert "expected one of" in (await wire.admin("PATCH", "/switches", {"window": "x"})).json["error"]


async def test_a_person_archives_merges_edits_pays_and_reconciles() -> None:
    async with wired(Sandbox()) as wire:
        ann = (await wire.call("PUT", "/Contacts", {"Name": "Ann"})).json["Contacts"][0]["ContactID"]
        bea = (await wire.call("PUT", "/Contacts", {"Name": "Bea"})).json["Contacts"][0]["ContactID"]
        invoice = (await wire.call("PUT", "/Invoices", INVOICE)).json["Invoices"][0]["InvoiceID"]
        at = f"/organisations/{wire.tenant}"
        edited = await wire.admin("PATCH", f"{at}/invoices/{invoice}", {"Reference": "by hand"})
        assert edited.json["Reference"] == "by hand"
        pay = {"Invoice": {"InvoiceID": invoice}, "Account": {"Code": "090"}, "Amount": "0.12"}
        paid = (await wire.admin("POST", f"{at}/payments", pay)).json
        assert wire.sandbox.books(wire.tenant)["invoices"][0]["status"] == "PAID"
        assert "exceeds" in (await wire.admin("POST", f"{at}/payments", pay)).json["error"]
        await wire.admin("POST", f"{at}/payments/{paid['PaymentID']}/reconcile", {})
        refused = await wire.call("POST", f"/Payments/{paid['PaymentID']}", {"Status": "DELETED"})
        assert "reconciled" in refused.json["Elements"][0]["ValidationErrors"][0]["Message"]
        await wire.admin("POST", f"{at}/contacts/{ann}/merge", {"into": bea})
        merged = (await wire.call("GET", f"/Contacts/{ann}")).json["Contacts"][0]
        assert (merged["ContactStatus"], merged["MergedToContactID"]) == ("ARCHIVED", bea)
        await wire.admin("POST", f"{at}/contacts/{bea}/archive")
        assert wire.names() == []
        assert "no contact" in (await wire.admin("POST", f"{at}/contacts/nobody/archive")).json["error"]
        assert "no contact" in (await wire.admin("POST", f"{at}/contacts/nobody/restore")).json["error"]
        await wire.admin("POST", f"{at}/contacts/{bea}/restore")
        assert "taken by contact" in (await wire.admin("POST", f"{at}/contacts/{bea}/restore")).json["error"]
        assert (await wire.admin("PATCH", f"{at}/contacts/{bea}", {"Name": "Bea B."})).json["Name"] == "Bea B."
        assert wire.names() == ["Bea B."]
        unknown = (await wire.admin("PATCH", f"{at}/invoices/nobody", {"Reference": "x"})).json["error"]
        assert unknown.startswith("invoices nobody")
        malformed = await wire.admin("POST", f"{at}/payments", {"Amount": "much"})
        assert "Error converting value" in malformed.json["error"]


async def test_an_organisation_is_locked_put_offline_and_disconnected() -> None:
    async with wired(Sandbox()) as wire:
        at = f"/organisations/{wire.tenant}"
        changed = await wire.admin("PATCH", at, {"period_lock_date": "2026-09-30", "adviser": False})
        assert changed.json["period_lock_date"] == "2026-09-30"
        assert (await wire.call("PUT", "/Invoices", INVOICE)).status == 400
        await wire.admin("PATCH", at, {"period_lock_date": None, "offline": True})
        assert (await wire.call("GET", "/Contacts")).status == 503
        await wire.admin("PATCH", at, {"offline": False, "connected": False})
        assert (await wire.call("GET", "/Contacts")).status == 403
        await wire.admin("PATCH", at, {"connected": True})
        assert (await wire.call("GET", "/Contacts")).status == 200
        assert "cannot be set" in (await wire.admin("PATCH", at, {"name": "x"})).json["error"]
        assert len((await wire.admin("GET", "/organisations")).json) == 2


async def test_time_is_advanced_where_the_clock_is_manual() -> None:
    async with wired(Sandbox(clock=ManualClock(datetime(2026, 9, 14, tzinfo=UTC)))) as wire:
        assert (await wire.admin("POST", "/time", {"advance_s": 60})).json["now"] == "2026-09-14T00:01:00+00:00"
        assert (await wire.admin("POST", "/time", {})).status == 400
    async with wired(Sandbox()) as wire:
        assert "runs by itself" in (await wire.admin("POST", "/time", {"advance_s": 1})).json["error"]


async def fill(wire: Wire) -> None:
    await wire.call("PUT", "/Invoices", INVOICE, key="k1")
    payment = {"Invoice": {"InvoiceNumber": "A-1"}, "Account": {"Code": "091"}, "Amount": 0.12, "Date": "2026-09-15"}
    await wire.call("PUT", "/Payments", payment)
    await wire.admin("PATCH", f"/organisations/{wire.tenant}", {"period_lock_date": "2026-03-31"})


async def test_the_state_comes_back_with_tokens_and_keys(tmp_path: Path) -> None:
    path = tmp_path / "books" / "state.json"
    async with wired(Sandbox(state_path=path)) as wire:
        await fill(wire)
        before, token = wire.sandbox.books(wire.tenant), wire.token
    sandbox = Sandbox(state_path=path)
    assert sandbox.books(wire.tenant) == before
    async with wired(sandbox) as wire:
        wire.token = token
        again = await wire.call("PUT", "/Invoices", INVOICE, key="k1")
        assert (again.status, sandbox.calls[-1].replayed) == (200, True)
        assert (await wire.call("PUT", "/Invoices", INVOICE)).status == 400
        new = await wire.call("PUT", "/Invoices", {**INVOICE, "InvoiceNumber": None})
        assert new.json["Invoices"][0]["InvoiceNumber"] == "INV-0001"
        lock = (await wire.admin("GET", "/organisations")).json[0]["period_lock_date"]
        assert lock == "2026-03-31"


async def test_what_was_saved_survives_a_kill_and_a_torn_line_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    async with wired(Sandbox(state_path=path)) as wire:
        await fill(wire)
        await asyncio.sleep(0.3)
        killed = path.read_bytes()
        before = wire.sandbox.books(wire.tenant)
    path.write_bytes(killed)
    assert Sandbox(state_path=path).books(wire.tenant) == before
    path.write_bytes(killed + b'[["torn')
    assert Sandbox(state_path=path).books(wire.tenant) == before


@pytest.mark.parametrize(
    "content", [b"{}\n", b"\x00\x01", b'{"ledgerstream_xero_sandbox":1}\n[["x","invoices","1",{}]]\n']
)
def test_a_corrupt_state_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(content)
    with pytest.raises(SandboxError, match=r"is corrupt \(.*\): move it away to begin with empty books"):
        Sandbox(state_path=path)
    assert path.read_bytes() == content


async def served_briefly(sandbox: Sandbox, port: int = 0) -> None:
    async with sandbox.serve(port=port):
        pass


async def test_a_state_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SandboxError, match=r"cannot be written: .* --state"):
        await served_briefly(Sandbox(state_path=tmp_path / "file" / "state.json"))


async def test_two_sandboxes_never_share_a_state_file(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    async with wired(Sandbox(state_path=path)):
        with pytest.raises(SandboxError, match="is in use by another sandbox"):
            await served_briefly(Sandbox(state_path=path))
    await served_briefly(Sandbox(state_path=path))


async def test_a_busy_port_is_one_sentence() -> None:
    async with Sandbox().serve() as address:
        port = int(address.base_url.rpartition(":")[2])
        with pytest.raises(SandboxError, match=rf"port {port} on 127.0.0.1 is taken: .* --port"):
            await served_briefly(Sandbox(), port)
    with pytest.raises(SandboxError, match="from 0 to 65535"):
        await served_briefly(Sandbox(), 99_999)


async def started(tmp_path: Path, *, as_json: bool) -> tuple[asyncio.subprocess.Process, Path]:
    path = tmp_path / "state.json"
    code = (
        "import asyncio, pathlib, sys\n"
        "from connectors.xero.sandbox import run_forever\n"
        f"sys.exit(asyncio.run(run_forever(state_path=pathlib.Path(sys.argv[1]), as_json={as_json})))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(path), stdout=asyncio.subprocess.PIPE, env=dict(os.environ)
    )
    return process, path


async def test_as_a_process_it_says_how_to_connect_and_saves_when_it_is_stopped(tmp_path: Path) -> None:
    process, path = await started(tmp_path, as_json=True)
    assert process.stdout is not None
    described = orjson.loads(await asyncio.wait_for(process.stdout.readline(), 20))
    assert described["organisations"][0]["currency"] == "GBP"
    assert described["api_url"].endswith("/api.xro/2.0")
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 10) == 0
    assert orjson.loads(path.read_bytes().splitlines()[0]) == {"ledgerstream_xero_sandbox": 1}


async def test_people_are_told_the_same_in_words(tmp_path: Path) -> None:
    process, _ = await started(tmp_path, as_json=False)
    assert process.stdout is not None
    text = (await asyncio.wait_for(process.stdout.readuntil(b"/_sandbox/\n"), 20)).decode()
    sandbox = Sandbox()
    for known in (*sandbox.credentials, *(row.tenant_id for row in sandbox.organisations), "/connect/token"):
        assert known in text
    process.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_a_disk_that_fails_stops_the_sandbox_with_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "books" / "state.json"
    sandbox = Sandbox(state_path=path)

    async def run() -> None:
        async with wired(sandbox) as wire:
            shutil.rmtree(path.parent)
            await wire.call("PUT", "/Contacts", {"Name": "Ann"})
            await asyncio.wait_for(sandbox.stopped.wait(), 5)

    with pytest.raises(SandboxError, match=r"cannot be written: .* --state"):
        await run()
