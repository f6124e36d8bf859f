"""An office for every test: a ledger of its own and tenant files that it may mend."""

from pathlib import Path

import pytest

from tests.support.desk import Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)
