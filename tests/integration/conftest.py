"""One database server for the whole run, started when a test first asks for it; every test has a ledger of its own."""

from collections.abc import Iterator

import pytest

from tests.support.postgres import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL server that ends with the run."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.stop()
