"""tenants_10000_last_first_s, at a fortieth: until the last of 250 organisations has its first invoice in its books.

A call costs some fifty milliseconds of processor time, so 10,000 organisations under Xero's 10,000 calls a minute for
the whole app are more than a bench has time for: here they are 250 under 250, with what the sender leaves of that
minute cut alike. Two have thousands of orders waiting, which were there first; each other one has one or two of one
customer, which are two calls: the customer, then the invoices.

In theory every organisation has one call in turn and the app's minute lasts for so many calls: two rounds. Xero's
minute is that of the clock and the backlog is met at its beginning, which is the worst moment: what of the second round
does not fit into the second minute waits for the third.

Refusals for the app's minute are printed and have no goal: what the sender leaves of the minute is cut, but not the
number of calls that are under way when it runs out.
"""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from unittest.mock import patch

from connectors.xero.sandbox import CallRecord, Sandbox, Switches
from streams.core.after import Patience
from streams.core.tenant_file import Contacts, Numbers, Route
from streams.core.tenants import Tenant, Tenants
from streams.ledger import Ledger, budget, open_ledger
from streams.sender.parts import Organisation
from tests.bench import events, feed, organisations, virtual_time
from tests.bench.events import EventRecord
from tests.bench.organisations import shop
from tests.bench.rows import Row, compared, measured
from tests.bench.slow_xero import slow
from tests.bench.virtual_time import VirtualClock
from tests.integration.sender.world import RATES, sender_on
from tests.support.rules import TENANTS as SHIPPED

SCALE: Final = 40
TENANTS: Final = 10_000 // SCALE
APP_MINUTE_CALLS: Final = budget.APP_MINUTE_LIMIT // SCALE
# Those with a backlog, which may make 60 calls a minute each, and what waits for each of them.
LARGE: Final = 2
LARGE_ORDERS: Final = 2_000
_MEDIAN_S: Final = 0.5
# The customer's call and the invoices' call.
_CALLS_TO_FIRST: Final = 2
_TIMEOUT_S: Final = 900.0


class _MinuteOfTheClock(VirtualClock):
    """The sandbox's minute begins with that of the time of day."""

    def seconds(self) -> float:
        return self.now().timestamp()

    def to_next_minute_s(self) -> float:
        return 60 - self.seconds() % 60


def measure() -> list[Row]:
    """The last first invoice, and the refusals on the way."""
    clock = _MinuteOfTheClock()
    with tempfile.TemporaryDirectory() as folder, patch.object(budget, "_APP_LEAST", budget._APP_LEAST // SCALE):
        last_s, earned = virtual_time.run(clock, _last_first(clock, Path(folder) / "ledger.db"))
    return [
        compared("tenants_10000_last_first_s", last_s, "s", "round robin, a fortieth", theory_s(), at_most=1.2),
        measured("tenants_earned_429s", earned, "calls"),
    ]


def theory_s() -> float:
    """Seconds for the calls of all rounds until each has its first invoice, at the pace of the app's minute."""
    return TENANTS * _CALLS_TO_FIRST / APP_MINUTE_CALLS * 60


async def _last_first(clock: _MinuteOfTheClock, database: Path) -> tuple[float, int]:
    sandbox = slow(_MEDIAN_S, clock=clock, switches=Switches(app_minute_limit=APP_MINUTE_CALLS))
    ids = organisations.add(sandbox, TENANTS)
    ledger = await open_ledger(f"sqlite:///{database}", clock)
    virtual_time.watch(ledger._store, clock)
    try:
        await feed.take_in(ledger, feed.translated(_backlog(), _tenants()))
        await clock.sleep(clock.to_next_minute_s())
        return await _until_each_has_one(clock, sandbox, ledger, ids), sandbox.throttled["earned"]
    finally:
        await ledger.close()


async def _until_each_has_one(clock: VirtualClock, sandbox: Sandbox, ledger: Ledger, ids: Sequence[str]) -> float:
    senders = [Organisation(shop(number), tenant_id, RATES) for number, tenant_id in enumerate(ids)]
    began, began_s = clock.now(), clock.elapsed()
    async with (
        sandbox.serve() as address,
        sender_on(sandbox, address, ledger, senders, patience=Patience(), clock=clock),
    ):
        while len(firsts := _firsts(sandbox.calls)) < TENANTS:
            assert clock.elapsed() - began_s < _TIMEOUT_S, f"{TENANTS - len(firsts)} have none after {_TIMEOUT_S} s"
            await clock.sleep(1.0)
    return max((call.at - began).total_seconds() + call.duration_s for call in firsts.values())


def _firsts(calls: Sequence[CallRecord]) -> dict[str, CallRecord]:
    """By organisation, the first call that brought it invoices."""
    invoices = [call for call in calls if call.path.endswith("/Invoices") and call.committed]
    return {call.tenant_id: call for call in reversed(invoices)}


def _backlog() -> Iterator[EventRecord]:
    """The orders of the large ones, then those of the small ones."""
    for number in range(TENANTS):
        count = LARGE_ORDERS if number < LARGE else 1 + number % 2
        customers = LARGE_ORDERS // 2 if number < LARGE else 1
        yield from map(events.placed, events.orders(count, customers=customers, source=shop(number)))


def _tenants() -> Tenants:
    """Each has a shop of its own; all else is as in the file that comes with the product."""
    file = SHIPPED.tenants["uk"].file
    found = {}
    for name in map(shop, range(TENANTS)):
        own = {
            "routes": (Route(source=name),),
            "numbers": {name: Numbers(invoice="I-", credit_note="C-")},
            "contacts": {name: Contacts(channel_name="Customers")},
        }
        found[name] = Tenant(name, file.model_copy(update=own))
    return Tenants(dict.fromkeys(found, SHIPPED.sources["shop-1"]), found)
