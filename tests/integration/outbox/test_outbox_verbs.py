"""`ledgerstream outbox`, as people type it."""

import asyncio
from pathlib import Path

import aiosqlite
import pytest

from tests.support.desk import Office

ENTRY = """\
  erp-1:
    connector: outbox
    database:
      url: {{env: LEDGERSTREAM_SECRET_ERP_1}}
      table: {table}
"""
INSERT = "INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ('order', '1', 'Unknown', '{}')"


class Company(Office):
    """A folder with tenant files, one of whose sources is a SQLite file."""

    def __init__(self, folder: Path, table: str = "outbox") -> None:
        super().__init__(folder)
        self.file = folder / "company.db"
        self.file.touch()
        self.settings["LEDGERSTREAM_SECRET_ERP_1"] = f"sqlite:///{self.file}"
        sources = self.tenants / "sources.yaml"
        sources.write_text(sources.read_text() + ENTRY.format(table=table))

    def sql(self, *statements: str) -> None:
        async def run() -> None:
            async with aiosqlite.connect(self.file) as connection:
                for statement in statements:
                    await connection.execute(statement)
                await connection.commit()

        asyncio.run(run())


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


def test_install_prints_what_apply_runs(company: Company) -> None:
    printed = company.type("ledgerstream outbox install erp-1")
    assert printed.code == 0
    assert printed.out.startswith("CREATE TABLE IF NOT EXISTS outbox (\n")
    assert (
        company.type("ledgerstream outbox status erp-1 --json")
        .json[0]["unavailable"]
        .endswith("no such table: outbox: run `ledgerstream outbox install SOURCE`.")
    )
    company.sql(*printed.out.split(";\n")[:-1])
    assert company.type("ledgerstream outbox status erp-1 --json").json[0]["unavailable"] is None
    applied = company.type("ledgerstream outbox install erp-1 --apply")
    assert (applied.code, applied.out) == (0, "The outbox of erp-1 is there.\n")
    told = company.type("ledgerstream outbox install erp-1 --json").json
    assert (told["source"], told["applied"], len(told["statements"])) == ("erp-1", False, 8)


def test_status_tells_what_waits_and_what_is_wrong(company: Company) -> None:
    company.type("ledgerstream outbox install erp-1 --apply")
    company.sql(
        INSERT,
        INSERT,
        "UPDATE outbox SET rejected_at = '2026-11-25T10:00:00Z', error = 'type: got Unknown. Correct the row.' "
        "WHERE position = (SELECT max(position) FROM outbox)",
        "UPDATE outbox_poller SET error = 'no broker', error_at = '2026-11-25T10:00:00Z'",
    )
    shown = company.type("ledgerstream outbox status")
    assert shown.code == 1
    assert "nobody: start a worker" in shown.out
    assert "erp-1: last error, 2026-11-25 10:00:00 UTC: no broker" in shown.out
    assert "is no event: type: got Unknown. Correct the row." in shown.out
    [told] = company.type("ledgerstream outbox status --json").json
    assert (told["source"], told["waiting"], told["rejected"], told["leader"]) == ("erp-1", 1, 1, None)
    assert told["rows"][0]["reason"] == "type: got Unknown. Correct the row."
    company.sql(
        "DELETE FROM outbox WHERE rejected_at IS NOT NULL",
        "UPDATE outbox_poller SET leader = 'host-0:a1b2', lease_until_ms = 9000000000000",
    )
    well = company.type("ledgerstream outbox status")
    assert well.code == 0
    assert "host-0:a1b2" in well.out


def test_a_leader_that_cannot_prolong_its_lease_is_named(company: Company) -> None:
    company.type("ledgerstream outbox install erp-1 --apply")
    company.sql("UPDATE outbox_poller SET leader = 'host-0:a1b2', lease_until_ms = 1000")
    shown = company.type("ledgerstream outbox status")
    assert shown.code == 1
    assert "start a worker" not in shown.out
    assert "erp-1: host-0:a1b2 led last and did not give up" in shown.out
    [told] = company.type("ledgerstream outbox status --json").json
    assert (told["leader"], told["lapsed"]) == (None, "host-0:a1b2")


def test_a_rejected_row_is_discarded_with_a_reason(company: Company) -> None:
    company.type("ledgerstream outbox install erp-1 --apply")
    company.sql(
        INSERT,
        INSERT,
        "UPDATE outbox SET rejected_at = '2026-11-25T10:00:00Z', error = 'type: got Unknown.' "
        "WHERE position = (SELECT max(position) FROM outbox)",
        "UPDATE outbox_poller SET leader = 'host-0:a1b2', lease_until_ms = 9000000000000",
    )
    [told] = company.type("ledgerstream outbox status --json").json
    position = told["rows"][0]["position"]
    refused = company.type(f"ledgerstream outbox discard erp-1 {position} {position - 1} --reason obsolete")
    assert (refused.code, refused.error) == (
        2,
        f"erp-1 has no rejected row {position - 1}: `ledgerstream outbox status erp-1` shows those that it has. "
        "Nothing was discarded.",
    )
    assert company.type(f"ledgerstream outbox discard erp-1 {position} --reason ' '").code == 2
    tried = company.type(f"ledgerstream outbox discard erp-1 {position} --reason obsolete --dry-run").out
    assert tried == f"Row {position} of erp-1 would be discarded: obsolete\n"
    assert company.type("ledgerstream outbox status").code == 1
    done = company.type(f"ledgerstream outbox discard erp-1 {position} --reason obsolete --json").json
    assert done == {"source": "erp-1", "positions": [position], "reason": "obsolete", "dry_run": False}
    assert company.type("ledgerstream outbox status").code == 0
    assert company.type("ledgerstream outbox status --json").json[0]["waiting"] == 1


def test_prune_deletes_what_was_published_long_ago(company: Company) -> None:
    company.type("ledgerstream outbox install erp-1 --apply")
    company.sql(INSERT, INSERT, "UPDATE outbox SET published_at = '2026-01-01T10:00:00Z'", INSERT)
    counted = company.type("ledgerstream outbox prune erp-1 --dry-run --json").json
    assert (counted["rows"], counted["dry_run"]) == (2, True)
    assert company.type("ledgerstream outbox prune erp-1 --keep-days 3650 --json").json["rows"] == 0
    pruned = company.type("ledgerstream outbox prune erp-1")
    assert pruned.code == 0
    assert pruned.out.startswith("2 rows that were published before ")
    assert company.type("ledgerstream outbox status --json").json[0]["waiting"] == 1


def test_a_source_that_is_no_outbox_and_one_that_is_away_are_sentences(company: Company) -> None:
    unknown = company.type("ledgerstream outbox install shop-1")
    assert (unknown.code, unknown.error) == (
        2,
        "shop-1 is no source with the connector outbox in sources.yaml; those that have: erp-1.",
    )
    assert company.type("ledgerstream outbox prune erp-2").error.endswith("did you mean erp-1?")
    company.file.unlink()
    away = company.type("ledgerstream outbox install erp-1 --apply")
    assert away.code == 3
    assert "unable to open database file: correct the file's path in the address, or its rights." in away.error
    shown = company.type("ledgerstream outbox status")
    assert (shown.code, "unable to open database file" in shown.out) == (1, True)
