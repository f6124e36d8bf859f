"""An account of one's own for a test."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.stripe.running import Running, running


@pytest.fixture
async def account() -> AsyncIterator[Running]:
    """A sandbox with a clock that stands still, all of whose webhooks are heard."""
    async with running() as found:
        yield found
