"""documents_per_call_mixed: half an hour of an ordinary day. Five orders a minute are placed, most are paid a
minute later, some are changed, cancelled or refunded; the sender has budget to spare, so it sends soon and not full.
"""

import itertools
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from streams.core.after import Patience
from streams.demo.catalogue import POSTAGE, Order, OrderLine
from streams.ledger import open_ledger
from tests.bench import events, feed, virtual_time
from tests.bench.events import EventRecord
from tests.bench.rows import Row, measured
from tests.bench.slow_xero import slow
from tests.bench.virtual_time import VirtualClock
from tests.integration.sender.world import sender_on

_ORDERS: Final = 150
_BETWEEN_S: Final = 12.0
_MEDIAN_S: Final = 0.5
_CHANGED, _CANCELLED, _REFUNDED = 10, 20, 25
_PAID_S, _CHANGED_S, _CANCELLED_S, _REFUNDED_S = 60.0, 20.0, 120.0, 600.0
# What the last order brings, and the sender's own waiting.
_AFTER_S: Final = 900.0


def measure() -> list[Row]:
    """Documents that came into the books or were changed there, for each call."""
    clock = VirtualClock()
    with tempfile.TemporaryDirectory() as folder:
        value = virtual_time.run(clock, _documents_per_call(clock, Path(folder) / "ledger.db"))
    return [measured("documents_per_call_mixed", value, "documents/call", limit=("elements of a full call", 50.0))]


async def _documents_per_call(clock: VirtualClock, database: Path) -> float:
    sandbox = slow(_MEDIAN_S, clock=clock)
    ledger = await open_ledger(f"sqlite:///{database}", clock)
    virtual_time.watch(ledger._store, clock)
    async with sandbox.serve() as address:
        async with sender_on(sandbox, address, ledger, patience=Patience(), clock=clock) as (sender, _counts):
            began_s = clock.elapsed()
            records = feed.translated(record for _, record in _half_hour())
            for offset, ((at_s, _), record) in enumerate(zip(_half_hour(), records, strict=True)):
                await clock.sleep(began_s + at_s - clock.elapsed())
                await ledger.intake.take_in([record], (0, offset + 1))
                sender.wake()
            await clock.sleep(_AFTER_S)
        calls = sandbox.calls
    await ledger.close()
    return sum(call.committed for call in calls) / len(calls)


def _half_hour() -> Iterator[tuple[float, EventRecord]]:
    """When each event is told, in seconds, and the event."""
    lives = (_life(number, order) for number, order in enumerate(events.orders(_ORDERS, customers=_ORDERS // 2)))
    yield from sorted(itertools.chain.from_iterable(lives), key=lambda told: told[0])


def _life(number: int, order: Order) -> Iterator[tuple[float, EventRecord]]:
    at_s = number * _BETWEEN_S
    yield at_s, events.placed(order)
    if number % _CANCELLED == 1:
        yield at_s + _CANCELLED_S, events.cancelled(order)
        return
    if number % _CHANGED == 2:
        order = replace(order, lines=(*order.lines, OrderLine(POSTAGE, kind="shipping")))
        yield at_s + _CHANGED_S, events.placed(order, version=2)
    yield at_s + _PAID_S, events.paid(order)
    if number % _REFUNDED == 3:
        yield at_s + _REFUNDED_S, events.refunded(order)
