"""documents_per_call, limit_share: 10,000 orders with their customers and payments wait in the ledger, and one sender
brings them into a Xero whose calls take their time, at the pace that Xero allows.

One virtual clock is that of ledger, limiter, sender and sandbox (tests/bench/virtual_time.py).
"""

import sqlite3
import statistics
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Final

from connectors.xero.sandbox import CallRecord
from streams.core.after import Patience
from streams.ledger import open_ledger
from tests.bench import events, feed, virtual_time
from tests.bench.rows import Row, compared, measured
from tests.bench.slow_xero import slow
from tests.bench.virtual_time import VirtualClock
from tests.integration.sender.world import sender_on

ORDERS: Final = 10_000
# Enough to see the pace of slower calls.
_FEWER: Final = 4_000
# Of a minute's calls and of those at once.
MINUTE_CALLS: Final = 60
AT_ONCE: Final = 5
_DOCUMENTS_MAX: Final = 50.0
# Calls come in bursts of a minute's worth: the pace is taken over whole bursts, without the first.
_FIRST_BURST: Final = 60
_TIMEOUT_S: Final = 3_600


@dataclass(frozen=True, slots=True)
class Drained:
    """What the sandbox has seen of a backlog, from the first call to the last."""

    calls: Sequence[CallRecord]
    earned_429s: int

    @property
    def documents(self) -> int:
        return sum(call.committed for call in self.calls)

    @property
    def minutes(self) -> float:
        return (self.calls[-1].at - self.calls[0].at).total_seconds() / 60

    @property
    def mean_call_s(self) -> float:
        return statistics.fmean(call.duration_s for call in self.calls)

    def documents_within(self, seconds: float) -> int:
        """Documents of the calls that came so soon after the first."""
        until = self.calls[0].at + timedelta(seconds=seconds)
        return sum(call.committed for call in self.calls if call.at < until)

    def pace_per_s(self) -> float:
        """Calls a second while there is more to do than the limits let through."""
        bursts = (len(self.calls) - 1 - _FIRST_BURST) // MINUTE_CALLS
        first, last = self.calls[_FIRST_BURST], self.calls[_FIRST_BURST + bursts * MINUTE_CALLS]
        return bursts * MINUTE_CALLS / (last.at - first.at).total_seconds()


def possible_per_s(mean_call_s: float) -> float:
    """Calls a second that the limits leave room for: a slot is taken for the call and a minute, five are at once."""
    return min(MINUTE_CALLS / (60 + mean_call_s), AT_ONCE / mean_call_s)


def measure() -> list[Row]:
    """Both call times; the documents of the shorter count."""
    first = drained(0.5)
    documents = first.documents / len(first.calls)
    full = ("elements of a full call", _DOCUMENTS_MAX)
    rows = [measured("documents_per_call", documents, "documents/call", at_least=47, limit=full)]
    for median_s, found in ((0.5, first), (2.0, drained(2.0, _FEWER))):
        possible = possible_per_s(found.mean_call_s) * 60
        name = f"limit_share_{median_s:g}s"
        rows.append(compared(name, found.pace_per_s() * 60, "calls/min", "possible", possible, at_least=0.97))
        rows.append(measured(f"earned_429s_{median_s:g}s", found.earned_429s, "calls", at_most=0))
    return rows


@cache
def drained(median_s: float, orders: int = ORDERS) -> Drained:
    """The backlog against calls of this median; measured once a run."""
    clock = VirtualClock()
    with tempfile.TemporaryDirectory() as folder:
        return virtual_time.run(clock, _drained(clock, Path(folder) / "ledger.db", orders, median_s))


async def _drained(clock: VirtualClock, database: Path, orders: int, median_s: float) -> Drained:
    sandbox = slow(median_s, clock=clock)
    ledger = await open_ledger(f"sqlite:///{database}", clock)
    virtual_time.watch(ledger._store, clock)
    try:
        await feed.take_in(ledger, feed.translated(backlog(orders)))
        async with sandbox.serve() as address, sender_on(sandbox, address, ledger, patience=Patience(), clock=clock):
            await until_settled(clock, database)
            return Drained(sandbox.calls, sandbox.throttled["earned"])
    finally:
        await ledger.close()


def backlog(count: int) -> list[events.EventRecord]:
    """Every order, then every payment, as two topics are read one after the other; half as many customers."""
    orders = list(events.orders(count, customers=count // 2))
    return [*map(events.placed, orders), *map(events.paid, orders)]


async def until_settled(clock: VirtualClock, database: Path) -> None:
    """Until nothing is pending or sent. Raises AssertionError where something stays."""
    until = clock.elapsed() + _TIMEOUT_S
    with closing(sqlite3.connect(database)) as connection:
        while left := connection.execute(
            "SELECT state, count(*) FROM commands WHERE state IN ('pending', 'sent') GROUP BY state"
        ).fetchall():
            assert clock.elapsed() < until, f"not settled within {_TIMEOUT_S} s of the clock: {left}"
            await clock.sleep(1.0)
    stuck = _stuck(database)
    assert not stuck, f"did not get into the books: {stuck}"


def _stuck(database: Path) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(
            "SELECT state, count(*) FROM commands WHERE state NOT IN ('posted', 'same', 'superseded') GROUP BY state"
        ).fetchall()
