"""A database's address: which dialect, and that what is wrong with it is told without the password."""

import pytest

from connectors.outbox.address import dialect_of, without_driver
from connectors.outbox.errors import OutboxUnavailable
from connectors.outbox.store import Outbox


@pytest.mark.parametrize(
    ("url", "dialect"),
    [
        ("postgresql://app:hush@db/erp", "postgresql"),
        ("postgres://app:hush@db/erp", "postgresql"),
        ("postgresql+psycopg2://app:hush@db/erp", "postgresql"),
        ("mysql://app:hush@db/erp", "mysql"),
        ("mariadb+pymysql://app:hush@db/erp", "mysql"),
        ("sqlite:////var/lib/erp.db", "sqlite"),
    ],
)
def test_the_dialect_is_in_the_address(url: str, dialect: str) -> None:
    assert dialect_of(url) == dialect
    assert without_driver(url).startswith(f"{dialect}://")
    assert without_driver(url).partition("://")[2] == url.partition("://")[2]


@pytest.mark.parametrize(
    "url",
    ["oracle://app:hush@db/erp", "postgresql://app:x@hush@db/erp", "db.internal", "sqlite://erp.db", "sqlite://", ""],
)
def test_another_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="the database's address must be postgresql://") as caught:
        dialect_of(url)
    assert "hush" not in str(caught.value)
    assert "erp.db" not in str(caught.value)


@pytest.mark.parametrize("url", ["postgresql://app:hush-hush@db:port/erp", "mysql://hush-hush:x"])
def test_an_address_that_cannot_be_read_is_a_sentence_without_it(url: str) -> None:
    with pytest.raises(OutboxUnavailable, match="the database's address cannot be read: write it as ") as caught:
        Outbox(url, "outbox")
    assert "hush-hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("postgresql://app:hush-hush@127.0.0.1:1/erp", "127.0.0.1/erp: "),
        ("postgresql://127.0.0.1:1/erp?user=app&password=hush-hush", "127.0.0.1/erp: "),
        ("mysql://app:hush-hush@127.0.0.1:1/erp", "127.0.0.1/erp: "),
        ("sqlite:////nowhere/erp.db", "/nowhere/erp.db: unable to open database file: correct the file's path"),
    ],
)
async def test_a_database_that_is_away_is_a_sentence_with_a_remedy(url: str, where: str) -> None:
    outbox = Outbox(url, "outbox")
    with pytest.raises(OutboxUnavailable) as caught:
        await outbox.waiting(1)
    assert str(caught.value).startswith(where)
    assert "hush-hush" not in str(caught.value)
    assert str(caught.value).endswith(".")
    await outbox.close()
