"""A new ledger in a real file for every test, and a clock that the test moves."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streams.ledger import Ledger, open_ledger
from tests.support.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a ledger that was just made: to copy it is faster than to migrate each time."""

    async def make(path: Path) -> None:
        await (await open_ledger(f"sqlite:///{path}", ManualClock())).close()

    path = tmp_path_factory.mktemp("empty") / "ledger.db"
    asyncio.run(make(path))
    return path


@pytest.fixture
async def ledger(url: str, empty: Path, clock: ManualClock) -> AsyncIterator[Ledger]:
    shutil.copy(empty, url.removeprefix("sqlite:///"))
    opened = await open_ledger(url, clock)
    yield opened
    await opened.close()
