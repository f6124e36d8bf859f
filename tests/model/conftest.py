"""A world for each test, on a ledger's file of its own."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.model.world import World, make_empty


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "ledger.db"
    asyncio.run(make_empty(path))
    return path


@pytest.fixture
async def world(tmp_path: Path, empty: Path) -> AsyncIterator[World]:
    made = World(tmp_path, empty)
    yield made
    await made.close()
