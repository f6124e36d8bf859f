"""A new ledger in a real file for every test, and a clock that the test moves."""

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


@pytest.fixture
async def ledger(url: str, clock: ManualClock) -> AsyncIterator[Ledger]:
    opened = await open_ledger(url, clock)
    yield opened
    await opened.close()
