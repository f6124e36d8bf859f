"""`ledgerstream demo`, whole: the JSON line, the letters, and what is left running with --keep."""

import json
import re
import signal
from pathlib import Path

import pytest

from tests.integration.demo.kept import Kept

# The first test of the folder waits for the whole demo.
pytestmark = pytest.mark.timeout(300)
_STOP_S = 30


def test_nothing_is_lost_or_doubled_to_the_penny(kept: Kept) -> None:
    summary = kept.summary
    ends = ("posted", "superseded", "ignored", "discarded", "dead_lettered", "waiting", "duplicates")
    assert summary["accepted"] == sum(summary[name] for name in ends) > 600
    assert (summary["lost"], summary["doubled"], summary["waiting"]) == (0, 0, 0)
    assert summary["source_total"] == summary["xero_total"] != "0.00"
    assert summary["throttled_earned"] == 0
    assert summary["throttled"] == summary["throttled_ordered"] == 1
    assert summary["documents_per_call"] >= 5
    assert summary["xero_calls"] <= 120
    assert (summary["replayed"], summary["discarded"], summary["dead_lettered"]) == (2, 1, 1)
    # An older version whose contact was booked counts as posted: the worst of its commands says where an event ended.
    assert all(summary[name] > 0 for name in ("duplicates", "ignored"))


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


def test_ctrl_c_ends_it_all(kept: Kept) -> None:
    # The last test of the module, because it takes what the others use.
    kept.process.send_signal(signal.SIGINT)
    assert kept.process.wait(_STOP_S) == 0
    home = Path(kept.environment["LEDGERSTREAM_HOME"])
    assert not home.exists()
    assert kept.type("ledgerstream audit").returncode != 0
