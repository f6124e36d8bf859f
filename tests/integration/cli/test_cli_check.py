"""`ledgerstream check`: files by themselves, and beside a Xero that is asked through slots like everybody else."""

import contextlib
import json
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import COMMAND, environment, ledgerstream
from tests.support.desk import Office, order


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[dict[str, str]]:
    """The settings that point at a sandbox of Xero."""
    command = [*COMMAND, "sandbox", "xero", "--json"]
    with subprocess.Popen(command, env=environment({}), stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        told = json.loads(running.stdout.readline())
        yield {
            "LEDGERSTREAM_XERO_API_URL": told["api_url"],
            "LEDGERSTREAM_XERO_IDENTITY_URL": told["identity_url"],
            "LEDGERSTREAM_XERO_CLIENT_ID": told["client_id"],
            "LEDGERSTREAM_XERO_CLIENT_SECRET": told["client_secret"],
            "LEDGERSTREAM_TENANT_UK": told["organisations"][0]["tenant_id"],
        }
        running.terminate()


def test_files_alone_are_checked_and_the_settings_shown_without_secrets(office: Office) -> None:
    office.settings |= {"LEDGERSTREAM_XERO_CLIENT_ID": "id-1", "LEDGERSTREAM_XERO_CLIENT_SECRET": "hush"}
    typed = office.type("ledgerstream check --offline")
    assert (typed.code, typed.error) == (0, "")
    assert "LEDGERSTREAM_XERO_CLIENT_ID = id-1" in typed.out
    assert "hush" not in typed.out
    assert "Xero was not asked: --offline was given." in typed.out
    assert "Nothing is wrong." in typed.out


def test_every_problem_of_a_file_is_listed_with_its_line(office: Office) -> None:
    file = office.tenants / "uk.yaml"
    file.write_text(file.read_text().replace("Europe/London", "Europe/Londn").replace("version: 1", "version: 2"))
    typed = office.type("ledgerstream check --json")
    assert (typed.code, typed.json["ok"], typed.json["organisations"]) == (1, False, [])
    assert [problem.partition("uk.yaml:")[2].partition(":")[0] for problem in typed.json["problems"]] == ["2", "4"]
    assert "did you mean Europe/London?" in typed.json["problems"][1]


def test_a_setting_that_does_not_fit_is_a_problem_too(office: Office) -> None:
    office.settings["LEDGERSTREAM_XERO_TIMEOUT_S"] = "never"
    typed = office.type("ledgerstream check")
    assert (typed.code, "LEDGERSTREAM_XERO_TIMEOUT_S: got 'never'" in typed.out) == (1, True)


def test_without_a_ledger_or_credentials_xero_is_not_asked(office: Office, sandbox: dict[str, str]) -> None:
    assert "XERO_CLIENT_SECRET are not set" in office.type("ledgerstream check --json").json["not_asked"]
    checked = check(office, sandbox)
    assert (checked["ok"], "There is no ledger" in checked["not_asked"]) == (True, True)


def check(office: Office, more: dict[str, str]) -> Any:
    """`ledgerstream check --json` in a process of its own, because it sets up logs."""
    ended = ledgerstream("check", "--json", settings={**office.settings, **more})
    checked = json.loads(ended.stdout)
    assert (ended.returncode, ended.stderr) == (0 if checked["ok"] else 1, "")
    return checked


def test_what_xero_has_otherwise_is_told_and_every_call_has_its_slot(office: Office, sandbox: dict[str, str]) -> None:
    office.take_in(order("e1", "1001"))
    right = check(office, sandbox)
    assert right["organisations"] == [{"tenant": "uk", "name": "Harbour Goods Ltd", "problems": []}]
    assert (right["ok"], right["not_asked"]) == (True, None)
    with contextlib.closing(sqlite3.connect(office.url.removeprefix("sqlite:///"))) as database:
        calls = database.execute("SELECT path, purpose, status, state FROM calls ORDER BY number").fetchall()
    paths = ("/Organisation", "/Accounts", "/TaxRates", "/Currencies")
    assert calls == [(path, "read", 200, "closed") for path in paths]
    file = office.tenants / "uk.yaml"
    file.write_text(
        file.read_text().replace('goods: "200"', 'goods: "299"').replace('percent: "5"', 'percent: "17.5"', 1)
    )
    account, rate = check(office, sandbox)["problems"]
    assert "accounts.goods: 299 (Old Sales) is archived in Xero. Restore it there, or name another." in account
    assert "RROUTPUT is 5 % in Xero, and 17.5 % here." in rate


def test_a_xero_that_does_not_let_in_is_a_sentence(office: Office, sandbox: dict[str, str]) -> None:
    office.take_in(order("e1", "1001"))
    for variable, value, words in (
        ("XERO_CLIENT_SECRET", "wrong", "Check LEDGERSTREAM_XERO_CLIENT_ID and LEDGERSTREAM_XERO_CLIENT_SECRET"),
        ("TENANT_UK", "another", "Connect the organisation to the app again in Xero's developer portal"),
        ("XERO_API_URL", "http://127.0.0.1:9", "See that LEDGERSTREAM_XERO_API_URL is reached."),
    ):
        [problem] = check(office, {**sandbox, f"LEDGERSTREAM_{variable}": value})["problems"]
        assert words in problem
