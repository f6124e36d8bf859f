"""The databases that a company may have, and a broker with topics of the test's own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.integration.outbox.company import Database, Place
from tests.support.mariadb import MariaDbServer
from tests.support.postgres import PostgresServer

DIALECTS = ["postgresql", "sqlite", pytest.param("mysql", marks=pytest.mark.all)]


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDbServer]:
    """A real MariaDB server that ends with the run."""
    server = MariaDbServer()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(params=DIALECTS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty database of each kind."""
    if request.param == "sqlite":
        file = tmp_path / "company.db"
        file.touch()
        return Place(f"sqlite:///{file}", None)
    server: PostgresServer | MariaDbServer = request.getfixturevalue(
        "postgres" if request.param == "postgresql" else "mariadb"
    )
    return Place(server.new_database(), lambda: server.restart(crash=True))


@pytest.fixture
async def database(place: Place) -> AsyncIterator[Database]:
    """A company's database, with an outbox."""
    found = Database(place)
    await found.install()
    yield found
    await found.close()
