"""Slots (design 7.3) under a full backlog: no earned 429, whatever Xero's window is; few are wasted; nobody waits."""

import random
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streams.ledger import Ledger
from tests.model.owner import ModelStore, Process, Quiet
from tests.model.slots import CALLS, WINDOW_S, Backlog
from tests.support.clock import ManualClock


@pytest.fixture
async def ledger(tmp_path: Path, empty: Path) -> AsyncIterator[Ledger]:
    database = tmp_path / "ledger.db"
    shutil.copy(empty, database)
    opened = Ledger(ModelStore(database, Quiet(), Process()), ManualClock())
    yield opened
    await opened._store.close()


@pytest.mark.parametrize("median_s", [0.5, 2.0, 15.0])
async def test_a_full_backlog(ledger: Ledger, median_s: float) -> None:
    clock = ledger._clock
    assert isinstance(clock, ManualClock)
    backlog = Backlog(ledger, clock, random.Random(median_s), median_s)
    await backlog.run(300.0, person_every_s=20.0)
    assert backlog.xero.most_in_a_window() <= CALLS
    assert backlog.waits, "somebody asked"
    longest_call_s = 30.0
    assert max(backlog.waits) <= 2.0 + (longest_call_s if median_s > 5 else 0.0)
    if median_s < 5:
        # The mean of this distribution is 1.13 of its median.
        share = len(backlog.xero.arrivals) / (300.0 * CALLS / (WINDOW_S + median_s * 1.13))
        assert share >= 0.97, share
