"""A new ledger for every test, on SQLite and on PostgreSQL, and a clock that the test moves."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest

from streams.ledger import Ledger, open_ledger
from streams.ledger.tables import metadata
from tests.support.clock import ManualClock
from tests.support.postgres import PostgresServer

# Sessions of processes that a test has killed may hold locks.
OTHERS_END = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def _make(url: str) -> None:
    await (await open_ledger(url, ManualClock())).close()


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a ledger that was just made: to copy it is faster than to migrate each time."""
    path = tmp_path_factory.mktemp("empty") / "ledger.db"
    asyncio.run(_make(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def emptied(postgres: PostgresServer) -> Callable[[], str]:
    """Gives the URL of a ledger in PostgreSQL that holds nothing: always the same database, because to make one takes
    a fifth of a second, and a test's rows are deleted in a hundredth of that."""
    url = postgres.new_database()
    asyncio.run(_make(url))
    deletes = [str(table.delete()) for table in metadata.sorted_tables if table.name != "ledger"]

    async def empty() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(OTHERS_END)
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("; ".join(deletes))
        await connection.execute("UPDATE ledger SET last_call = 0, app_not_before = NULL, restored_at = NULL")
        await connection.close()

    def give() -> str:
        asyncio.run(empty())
        return url

    return give


@pytest.fixture
def file_url(tmp_path: Path) -> str:
    """Where no SQLite ledger is yet."""
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, file_url: str) -> str:
    """An empty ledger of each kind in turn."""
    if request.param == "postgresql":
        give: Callable[[], str] = request.getfixturevalue("emptied")
        return give()
    shutil.copy(request.getfixturevalue("empty_file"), file_url.removeprefix("sqlite:///"))
    return file_url


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_url(request: pytest.FixtureRequest, file_url: str) -> str:
    """Where there are no tables yet."""
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        return server.new_database()
    return file_url


@pytest.fixture
async def ledger(url: str, clock: ManualClock) -> AsyncIterator[Ledger]:
    opened = await open_ledger(url, clock)
    yield opened
    await opened.close()
