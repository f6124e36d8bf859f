"""A backlog must not slow down what is done for each run and call: every look-up goes by a key."""

import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from streams.ledger import Ledger, open_ledger
from tests.support import ledger as support
from tests.support.clock import ManualClock

BIG = ("commands", "effects", "dependencies", "events", "writes", "transitions", "documents", "calls")


@pytest.fixture
def executed() -> Iterator[dict[str, Any]]:
    """Every statement with the values of one execution."""
    found: dict[str, Any] = {}

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        found[statement] = values[0] if many else values

    event.listen(Engine, "before_cursor_execute", note)
    yield found
    event.remove(Engine, "before_cursor_execute", note)


@pytest.fixture
async def on_sqlite(file_url: str, empty_file: Path, clock: ManualClock) -> AsyncIterator[Ledger]:
    """SQLite chooses by the shape of a statement alone; PostgreSQL chooses anew when a table has grown."""
    shutil.copy(empty_file, file_url.removeprefix("sqlite:///"))
    opened = await open_ledger(file_url, clock)
    yield opened
    await opened.close()


async def test_no_step_of_a_run_or_call_walks_through_a_table(
    on_sqlite: Ledger, file_url: str, executed: dict[str, Any]
) -> None:
    await support.take_in(on_sqlite, support.order_placed("e1", "1001", 0), support.of(support.payment("e2"), 1))
    assert await support.post_all(on_sqlite) == 3
    # Producers ask again and again for what is not there yet.
    assert await on_sqlite.status.of_event("stripe-1", "evt_9") is None
    with closing(sqlite3.connect(file_url.removeprefix("sqlite:///"))) as connection:
        plans = {
            statement: [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
            for statement, values in executed.items()
            if statement.startswith(("SELECT", "UPDATE"))
        }
    walked = {
        statement: step
        for statement, steps in plans.items()
        for step in steps
        if (step.startswith("SCAN") and step.split()[1] in BIG) or "ix_commands_pending" in step
    }
    assert plans
    assert not walked, walked
