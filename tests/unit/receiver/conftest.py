"""The running receiver of most tests here."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.receiver.support import Running, running


@pytest.fixture
async def receiver() -> AsyncIterator[Running]:
    async with running() as started:
        yield started
