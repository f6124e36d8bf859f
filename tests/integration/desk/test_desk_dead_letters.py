"""Dead letters at the desk: each names field, value, cause and remedy, and its printed command closes it."""

import json
from pathlib import Path

import pytest

from streams.desk.lines import REASON
from streams.ledger import Ledger
from tests.support.cli import ledgerstream
from tests.support.desk import Office, order

LINE = {
    "id",
    "short_id",
    "state",
    "what",
    "cause",
    "stage",
    "field",
    "value",
    "message",
    "remedy",
    "command",
    "kind",
    "source",
    "tenant",
    "entity_key",
    "event_key",
    "command_id",
    "attempts",
    "replay_count",
    "age_s",
    "first_failed_at",
    "last_failed_at",
}


def test_the_printed_command_closes_the_letter_once_the_tenant_file_is_mended(office: Office) -> None:
    office.take_in(order("e1", "1001", rate="17.5"), order("e2", "1002"))
    [letter] = office.type("ledgerstream dlq list --json").json
    assert set(letter) == LINE
    assert (letter["what"], letter["cause"], letter["field"]) == (
        "order 1001 of shop-1, OrderPlaced",
        "data",
        "lines[0].tax_rate",
    )
    assert "17.5" in letter["value"]
    assert "uk.yaml" in letter["remedy"]
    listed = office.type("ledgerstream dlq list").out
    assert letter["command"] in [line.strip() for line in listed.splitlines()]

    early = office.type(letter["command"])
    assert early.code == 1
    assert "did not go back" in early.out
    office.mend()
    tried = office.type(f"{letter['command']} --dry-run --json")
    [went] = tried.json
    assert (tried.code, went["result"], went["dry_run"]) == (0, "replayed", True)
    assert {one["path"] for one in went["commands"][1]["changes"]} >= {"number", "total", "lines[0].tax_type"}
    assert office.type("ledgerstream dlq list --json").json != []

    assert office.type(letter["command"]).code == 0
    assert office.type("ledgerstream dlq list --json").json == []
    assert office.type("ledgerstream audit --json").json["dispositions"]["waiting"] == 2
    again = office.type(letter["command"])
    assert again.code == 1
    assert "closed by" in again.out


def test_a_corrected_order_closes_the_letter_of_the_refused_one(office: Office) -> None:
    office.take_in(order("e1", "1001", rate="17.5"))
    assert len(office.type("ledgerstream dlq list --json").json) == 1
    office.take_in(order("e2", "1001", sequence=2, updated=True))
    assert office.type("ledgerstream dlq list --json").json == []
    [closed] = office.type("ledgerstream dlq list --all --json").json
    assert closed["state"] == "closed"
    audit = office.type("ledgerstream audit --json").json
    assert (audit["dispositions"]["superseded"], audit["dispositions"]["waiting"]) == (1, 1)
    assert audit["ok"]


def test_an_edited_event_goes_back_in_the_place_of_what_came(office: Office, tmp_path: Path) -> None:
    office.take_in(order("e1", "1001", rate="17.5"))
    [letter] = office.type("ledgerstream dlq list --json").json
    data = office.type(f"ledgerstream dlq show {letter['short_id']} --data").json
    data["lines"][0]["tax_rate"] = "20"
    file = tmp_path / "edited.json"
    file.write_text(json.dumps(data))
    assert office.type(f"{letter['command']} --edit {file}").code == 0
    shown = office.type(f"ledgerstream dlq show {letter['id']} --json").json
    assert shown["line"]["state"] == "closed"
    assert shown["edited_by"] == shown["closed_by"]
    assert shown["event"]["lines"][0]["tax_rate"] == "17.5"


def test_many_go_back_at_once_and_one_that_cannot_is_told(office: Office) -> None:
    office.take_in(*(order(f"e{number}", f"100{number}", rate="17.5") for number in range(3)))
    office.take_in(order("e9", "1009", rate="33"))
    assert office.type("ledgerstream dlq list --group cause --json").json == {"data": 4}
    office.mend()
    typed = office.type("ledgerstream dlq replay --all --cause data --json")
    assert typed.code == 1
    assert [one["result"] for one in typed.json] == ["replayed", "replayed", "replayed", "refused"]
    [left] = office.type("ledgerstream dlq list --json").json
    assert (left["entity_key"], left["attempts"]) == ("shop-1:order:1009", 2)


def test_discarding_needs_a_reason_and_counts_as_discarded(office: Office) -> None:
    office.take_in(order("e1", "1001", rate="17.5"))
    [letter] = office.type("ledgerstream dlq list --json").json
    assert office.type(f"ledgerstream dlq discard {letter['id']} --reason ' '").code == 2
    tried = office.type(f"ledgerstream dlq discard {letter['id']} --reason twice --dry-run --json")
    assert tried.json["dry_run"]
    assert len(office.type("ledgerstream dlq list --json").json) == 1
    assert office.type(f"ledgerstream dlq discard {letter['short_id']} --reason 'sold twice'").code == 0
    assert office.type("ledgerstream audit --json").json["dispositions"]["discarded"] == 1


def test_a_malformed_event_can_only_be_discarded_and_its_command_says_so(office: Office) -> None:
    office.take_in(order("e1", "1001", more={"total": "twelve"}))
    [letter] = office.type("ledgerstream dlq list --json").json
    assert letter["command"].startswith(f"ledgerstream dlq discard {letter['short_id']} --reason")
    pasted = office.type(letter["command"])
    assert (pasted.code, "write in its place what you did" in pasted.error) == (2, True)
    assert len(office.type("ledgerstream dlq list --json").json) == 1, (
        "pasted before anything was done, it closes nothing"
    )
    assert office.type(letter["command"].replace(REASON, "sent again as e2")).code == 0
    assert office.type("ledgerstream dlq list --json").json == []


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ("dlq replay", 2, "Name the letters"),
        ("dlq replay abc --all", 2, "not both"),
        ("dlq replay a b --edit x.json", 2, "name one letter"),
        ("dlq replay abc --rate fast", 2, "30/min"),
        ("dlq list --since yesterday", 2, "2h"),
        ("dlq list --group colour", 2, "cause or source"),
        ("dlq show abc", 4, "no dead letter has the id abc"),
        ("dlq discard abc --reason x", 4, "no dead letter has the id abc"),
    ],
)
def test_a_call_that_does_not_fit_is_one_sentence(office: Office, arguments: str, code: int, says: str) -> None:
    office.take_in(order("e1", "1001"))
    typed = office.type(f"ledgerstream {arguments}")
    assert typed.code == code
    assert says in typed.error


def test_a_process_of_its_own_beside_a_worker_and_a_ledger_that_is_not_there(office: Office, tmp_path: Path) -> None:
    nothing = ledgerstream("dlq", "list", settings=office.settings)
    assert nothing.returncode == 3
    assert "There is no ledger at" in nothing.stderr
    office.take_in(order("e1", "1001", rate="17.5"))

    async def beside(ledger: Ledger) -> tuple[int, str]:
        # The worker's lock must not keep the desk out.
        ledger.claim()
        done = ledgerstream("dlq", "list", settings={**office.settings, "COLUMNS": "40"})
        return done.returncode, done.stdout

    code, out = office.on_ledger(beside)
    assert code == 0
    assert any(line.strip().startswith("ledgerstream dlq replay ") for line in out.splitlines())
