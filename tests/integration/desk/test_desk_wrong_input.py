"""What an operator mistypes: a sentence that names the nearest right word, and never an answer that looks like one."""

import contextlib
import sqlite3

import pytest

from tests.support.desk import Office, order
from tests.support.ledger import post_all

WRONG = [
    ("dlq list --tenant ukk", 2, "--tenant ukk is not configured; did you mean uk?"),
    ("dlq list --source shop1", 2, "--source shop1 is not configured; did you mean shop-1?"),
    ("dlq list --source zzz", 2, "--source zzz is not configured: write one of crm-1, jobs-1, shop-1"),
    ("dlq list --cause dataa", 2, "--cause dataa is no cause; did you mean data?"),
    ("dlq list --cause zzz", 2, "--cause zzz is no cause: write one of transient, throttled"),
    ("dlq list --entity shop-1:order:100", 1, "Nothing is known of shop-1:order:100. Did you mean shop-1:order:1001?"),
    ("dlq replay --all --cause dataa", 2, "did you mean data?"),
    ("dlq replay --all --tenant ukk", 2, "did you mean uk?"),
    ("dlq replay --all --source shop1", 2, "did you mean shop-1?"),
    ("dlq show ''", 2, "ID is empty: write the letter's id, or the beginning of it, as `ledgerstream dlq list` shows"),
    ("dlq discard ' ' --reason x", 2, "ID is empty"),
    ("dlq replay ''", 2, "ID is empty"),
    ("dlq show abcdef", 4, "no dead letter has the id abcdef"),
    ("ask answer '' keep", 2, "ID is empty"),
    ("pause --reason x --source shop1", 2, "--source shop1 is not configured; did you mean shop-1?"),
    ("pause --reason ' '", 2, "--reason is empty"),
    ("trace ''", 2, "KEY is empty"),
    ("trace shop-1:ordr:1001", 1, "Did you mean shop-1:order:1001"),
    ("trace shop-1:e", 1, "shop-1:e1"),
    ("trace S1-10", 1, "Did you mean S1-1001"),
    ("trace S1-1001x", 1, "Nothing is known of S1-1001x. `ledgerstream audit` tells what came in."),
]


@pytest.mark.parametrize(("command", "code", "words"), WRONG)
def test_what_is_mistyped_is_named_with_the_nearest_that_is_right(
    office: Office, command: str, code: int, words: str
) -> None:
    office.take_in(order("e1", "1001"))
    office.on_ledger(post_all)
    with contextlib.closing(sqlite3.connect(office.url.removeprefix("sqlite:///"))) as database:
        database.execute("UPDATE effects SET number = 'S1-1001' WHERE resource = 'Invoices'")
        database.commit()
    typed = office.type(f"ledgerstream {command}")
    assert (typed.code, typed.out) == (code, "")
    assert words in typed.error


def test_a_source_that_was_taken_away_keeps_its_letters(office: Office) -> None:
    office.take_in(order("e2", "1002", rate="17.5"))
    file = office.tenants / "sources.yaml"
    file.write_text(file.read_text().replace("shop-1", "shop-7"))
    for tenant in office.tenants.glob("u*.yaml"):
        tenant.write_text(tenant.read_text().replace("shop-1", "shop-7"))
    [letter] = office.type("ledgerstream dlq list --source shop-1 --json").json
    assert letter["source"] == "shop-1"


def test_nothing_to_mend_is_an_answer_where_the_name_is_right(office: Office) -> None:
    office.take_in(order("e1", "1001"))
    typed = office.type("ledgerstream dlq list --source shop-2 --tenant uk --cause data")
    assert (typed.code, typed.out.strip()) == (0, "No dead letters: there is nothing to mend.")
