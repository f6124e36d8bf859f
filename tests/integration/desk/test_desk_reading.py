"""The desk changes no ledger by looking at it, and brings none up to another release."""

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.desk import Office, order

READING = (
    "ledgerstream trace shop-1:order:1001",
    "ledgerstream audit",
    "ledgerstream ask list",
    "ledgerstream dlq list",
    "ledgerstream dlq show $LETTER",
    "ledgerstream stops",
)
OTHERS = ("ledgerstream pause --reason 'year end'", "ledgerstream resume", "ledgerstream dlq replay $LETTER")


@contextlib.contextmanager
def database(office: Office) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(office.url.removeprefix("sqlite:///"), isolation_level=None)
    with contextlib.closing(connection):
        yield connection


@pytest.fixture
def letter(office: Office) -> str:
    """An office with an order that is booked soon, and a dead letter; the letter's id."""
    office.take_in(order("e1", "1001"), order("e2", "1002", rate="17.5"))
    [found] = office.type("ledgerstream dlq list --json").json
    return str(found["short_id"])


def test_looking_waits_for_nobody_who_writes_and_changes_no_byte(office: Office, letter: str) -> None:
    file = Path(office.url.removeprefix("sqlite:///"))
    with database(office) as writer:
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        before = hashlib.sha256(file.read_bytes()).hexdigest()
        writer.execute("BEGIN IMMEDIATE")
        for command in READING:
            typed = office.type(command.replace("$LETTER", letter))
            assert typed.code == 0, typed.error
        writer.execute("ROLLBACK")
    assert hashlib.sha256(file.read_bytes()).hexdigest() == before


@pytest.mark.parametrize("command", [*READING, *OTHERS])
def test_an_older_ledger_stays_as_it_is_and_the_remedy_is_told(office: Office, letter: str, command: str) -> None:
    with database(office) as older:
        older.execute("UPDATE alembic_version SET version_num = '0001'")
    typed = office.type(command.replace("$LETTER", letter))
    assert typed.code == 4
    assert "older release" in typed.error
    assert "Start `ledgerstream worker`" in typed.error
    with database(office) as after:
        assert after.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]


def test_a_database_without_our_tables_is_no_ledger(office: Office) -> None:
    with database(office) as other:
        other.execute("CREATE TABLE somebody (name TEXT)")
    file = Path(office.url.removeprefix("sqlite:///"))
    before = file.read_bytes()
    typed = office.type("ledgerstream audit")
    assert typed.code == 3
    assert "is no ledger" in typed.error
    assert file.read_bytes() == before
