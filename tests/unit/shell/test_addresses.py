"""An address with a password in it, as people see it."""

import pytest
from sqlalchemy.engine import make_url

from connectors.addresses import is_ambiguous, without_password
from streams.ledger.faults import unavailable


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://app:hush@db.internal/erp", "postgresql://app:***@db.internal/erp"),
        ("postgresql://app@db.internal/erp", "postgresql://app@db.internal/erp"),
        ("postgresql://db.internal/erp?sslmode=require", "postgresql://db.internal/erp?sslmode=require"),
        ("postgresql://h/erp?user=ls&password=hush", "postgresql://h/erp?user=ls&password=***"),
        ("postgresql://h/erp?password=hush&hush@hush&user=ls", "postgresql://h/erp?password=***&user=ls"),
        ("postgresql://h/erp?SSLPassword=hush", "postgresql://h/erp?SSLPassword=***"),
        ("mysql://h/erp?passwd=hush", "mysql://h/erp?passwd=***"),
        ("postgresql://app:hu@sh@hush@db.internal/erp", "postgresql://app:***@db.internal/erp"),
        ("postgresql://app:12/hush@db.internal/erp", "postgresql://app:***@db.internal/erp"),
        ("postgresql://app@hush@db.internal/erp", "postgresql://***:***@db.internal/erp"),
        ("sqlite:////data/a:b@c/ledger.db", "sqlite:////data/a:b@c/ledger.db"),
        ("one:9092", "one:9092"),
    ],
)
def test_no_password_is_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown


@pytest.mark.parametrize(
    ("url", "ambiguous"),
    [
        ("postgresql://app:hush@db.internal/erp", False),
        ("postgresql://app:hu%40sh@db.internal/erp?application_name=a@b", False),
        ("postgresql:///erp?host=/run/postgresql", False),
        ("postgresql://app:hu@sh@db.internal/erp", True),
        ("postgresql://app:12/hush@db.internal/erp", True),
        ("sqlite:////data/a@b@c/ledger.db", False),
    ],
)
def test_a_password_that_could_be_the_host_is_found(url: str, ambiguous: bool) -> None:
    assert is_ambiguous(url) is ambiguous


def test_a_ledger_that_is_away_is_named_without_its_password() -> None:
    for url in ("postgresql+asyncpg://app:hush@h/erp", "postgresql+asyncpg://h/erp?user=app&password=hush"):
        words = str(unavailable(OSError("no way there"), make_url(url)))
        assert "h/erp" in words
        assert "hush" not in words
