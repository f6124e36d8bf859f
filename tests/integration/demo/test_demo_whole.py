"""`ledgerstream demo`, whole: the JSON line, the letters, and what is left running with --keep."""

import json
import os
import re
import signal
import time
import urllib.request
from pathlib import Path

import pytest

from tests.integration.demo.kept import Kept

# The first test of the folder waits for the whole demo.
pytestmark = pytest.mark.timeout(300)
_STOP_S = 30


def test_nothing_is_lost_or_doubled_to_the_penny(kept: Kept) -> None:
    summary = kept.summary
    ends = ("posted", "superseded", "ignored", "discarded", "dead_lettered", "waiting", "duplicates")
    came = summary["accepted"] + summary["swept"] + summary["from_xero"]
    assert came == sum(summary[name] for name in ends) > 1_000
    assert summary["accepted"] > 650
    assert 290 <= sum(row["invoices"] for row in summary["sources"].values()) <= 320
    assert (summary["lost"], summary["doubled"], summary["waiting"]) == (0, 0, 0)
    assert summary["source_total"] == summary["xero_total"] != "0.00"
    assert summary["throttled_earned"] == 0
    assert summary["throttled"] == summary["throttled_ordered"] == 1
    assert summary["documents_per_call"] >= 5
    assert summary["xero_calls"] <= 120
    assert (summary["replayed"], summary["discarded"], summary["dead_lettered"]) == (2, 1, 1)
    # An older version whose contact was booked counts as posted: the worst of its commands says where an event ended.
    assert all(summary[name] > 0 for name in ("duplicates", "ignored"))


def test_every_door_is_in_the_books_to_the_penny(kept: Kept) -> None:
    sources = kept.summary["sources"]
    assert set(sources) == {"shop-1", "shop-2", "jobs-1", "shopify-1", "erp-1", "shop-1, in €"}
    assert all(row["source_total"] == row["xero_total"] != "0.00" for row in sources.values())
    # What a webhook could not tell, because all of its were lost, the sweep of the shop's API did.
    assert "No webhook told of order 1010 of shopify-1: the sweep found it." in kept.told
    trace = kept.type("ledgerstream trace SH-1010")
    assert (trace.returncode, "sweep:order" in trace.stdout) == (0, True), trace.stdout


def test_a_person_at_xeros_screen_is_told_with_before_and_after(kept: Kept) -> None:
    assert kept.summary["told_by_hand"] == 2
    table = kept.told.partition("A person at Xero's screen")[2]
    [due] = re.findall(r"^\s+S1E-1301\s+others\s+edited\s+DueDate\s+(\S+)\s+(\S+)\s*$", table, re.M)
    assert due[0] < due[1]
    assert re.search(r"^\s+S1E-1302\s+others\s+paid\s", table, re.M)
    assert re.search(r"^\s+Status\s+AUTHORISED\s+PAID\s*$", table, re.M)


def test_the_doors_are_heard(kept: Kept) -> None:
    rows = {row["name"]: row for row in json.loads(kept.type("ledgerstream sources list --json").stdout)}
    for name in ("shopify-1", "erp-1", "xero-1", "stripe-1"):
        assert not rows[name]["problems"], rows[name]
        assert rows[name]["last_heard"], rows[name]
    assert rows["shopify-1"]["last_swept"]
    status = kept.type("ledgerstream outbox status")
    assert status.returncode == 0, status.stdout


def test_every_letter_names_field_value_cause_and_remedy(kept: Kept) -> None:
    letters = re.split(r"^\s+\d\. ", kept.told.partition("On a person's desk")[2].partition("\nMended")[0], flags=re.M)[
        1:
    ]
    assert len(letters) == 5
    for letter in letters:
        told = dict(re.findall(r"^\s+(field|value|cause|remedy|command) +(\S.*)$", letter, re.M))
        assert set(told) == {"field", "value", "cause", "remedy", "command"}, letter
        assert told["command"].startswith("ledgerstream dlq "), letter


def test_the_printed_commands_were_run_as_they_stand(kept: Kept) -> None:
    printed = re.findall(r"^\s+command +(ledgerstream dlq replay \S+)\s*?$", kept.told, re.M)
    typed = re.findall(r"^\s+\$ (ledgerstream dlq replay \S+)\s*?$", kept.told, re.M)
    assert len(typed) == 2
    assert set(typed) <= set(printed)


def test_what_is_left_running_can_be_used(kept: Kept) -> None:
    audit = kept.type("ledgerstream audit --json")
    assert audit.returncode == 0, audit.stderr
    assert json.loads(audit.stdout)["ok"] is True
    [letter] = json.loads(kept.type("ledgerstream dlq list --json").stdout)
    assert "1291" in json.dumps(letter)
    trace = kept.type("ledgerstream trace shop-1:order:1289")
    assert trace.returncode == 0, trace.stderr
    assert "S1-1289" in trace.stdout


def test_a_worker_that_is_killed_is_started_again_and_loses_nothing(kept: Kept) -> None:
    order = {
        "order_id": "7001", "number": "7001", "currency": "GBP", "placed_at": "2026-11-24T09:30:00Z",
        "customer": {"id": "77", "name": "Ada Smith"}, "taxes_included": True, "total": "12.00",
        "lines": [{"id": "1", "description": "Mug", "unit_amount": "12.00", "tax_rate": "20"}],
    }  # fmt: skip
    event = {"specversion": "1.0", "id": "after-the-kill", "source": "shop-2", "data": order,
             "type": "com.ledgerstream.OrderPlaced.v1"}  # fmt: skip
    os.kill(_worker_of(kept.process.pid), signal.SIGKILL)
    port, secret = kept.environment["LEDGERSTREAM_RECEIVER_PORT"], kept.environment["LEDGERSTREAM_SECRET_SHOP_2"]
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/cloudevents+json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/events", json.dumps(event).encode(), headers)
    with urllib.request.urlopen(request) as answer:  # noqa: S310 the address is the demo's own
        assert answer.status == 202
    for _ in range(60):
        if "total 12.00" in (trace := kept.type("ledgerstream trace S2-7001").stdout):
            break
        time.sleep(0.5)
    assert "total 12.00" in trace
    assert "The worker is ready again" in kept.said.read_text()
    assert kept.process.poll() is None


def _worker_of(demo: int) -> int:
    """The process that the demo runs as its worker, behind its tether."""
    children = [int(pid) for pid in Path(f"/proc/{demo}/task/{demo}/children").read_text().split()]
    for child in children:
        words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        if b"worker" in words:
            return int(Path(f"/proc/{child}/task/{child}/children").read_text())
    pytest.fail("the demo has no worker")


def test_ctrl_c_ends_it_all(kept: Kept) -> None:
    # The last test of the module, because it takes what the others use.
    kept.process.send_signal(signal.SIGINT)
    assert kept.process.wait(_STOP_S) == 0
    home = Path(kept.environment["LEDGERSTREAM_HOME"])
    assert not home.exists()
    assert kept.type("ledgerstream audit").returncode != 0
