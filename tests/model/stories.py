"""Stories in which something goes wrong on the way.

Each ends well because a protection stands in the way of a double, a loss, or a call that must not be; where one does
not, it raises AssertionError.
"""

import random
from dataclasses import dataclass

from connectors.xero.ticket import NoAnswer
from streams.kafka.delivered import Delivered
from streams.ledger.errors import LedgerUnavailable
from tests.model.fates import Fate
from tests.model.owner import Owner
from tests.model.slots import CALLS, Backlog
from tests.model.world import World
from tests.support.rules import record
from tests.unit.xero.test_xero_client import HangingUp, client, ticket

UNHEARD = Fate("now", "drop")
AT_WORK_FOR_55_S = Fate("late", "drop", 55.0)


async def settled(world: World) -> None:
    """Let everything come to its end, and compare the books with the events."""
    await world.drain()
    world.check_always()
    await world.check_end()


async def an_order_is_booked(world: World) -> Owner:
    """A worker that has booked an order, which nobody has paid yet."""
    await world.start()
    await world.feed(world.shop.order("1001", 1, "10.00"))
    return world.owners[0]


async def a_payment_whose_answer_is_lost(world: World) -> None:
    await an_order_is_booked(world)
    world.xero.fates.append(UNHEARD)
    await world.feed(world.shop.payment("1001", 1))
    await world.advance(2.0)
    await settled(world)


async def a_payment_is_kept_although_xero_says_500(world: World) -> None:
    await an_order_is_booked(world)
    world.xero.fates.append(Fate("now", "500"))
    await world.feed(world.shop.payment("1001", 1))
    await world.advance(3.0)
    await settled(world)


async def a_worker_dies_with_the_answer_and_is_replaced_after_ten_minutes(world: World) -> None:
    worker = await an_order_is_booked(world)
    worker.die_at = "answered"
    await world.feed(world.shop.payment("1001", 1))
    assert world.owners == []
    await world.advance(600.0)
    await world.start()
    await settled(world)


async def runs_end_out_of_turn_and_the_worker_dies(world: World) -> None:
    """What was not finished when it died comes again from Kafka, because it was not committed."""
    delivered: Delivered[str] = Delivered()
    runs = [_Run(offset) for offset in range(3)]
    for run in runs:
        delivered.add("p", run)
    runs[2].acked = True
    delivered.settle("p")
    committed = delivered.safe_offset("p") or 0
    lost = [run.offset for run in runs if not run.acked and run.offset < committed]
    assert not lost, f"lost: {lost}"


@dataclass
class _Run:
    offset: int
    acked: bool = False


async def a_frozen_owner_wakes_when_another_has_taken_over(world: World) -> None:
    """Its request never left, so it would send the payment anew; but the other one has sent it meanwhile."""
    first = await an_order_is_booked(world)
    first.freeze_at = "opened"
    await world.feed(world.shop.payment("1001", 1))
    assert first.process.is_frozen
    world.xero.fates.append(AT_WORK_FOR_55_S)
    await world.start()
    await world.advance(70.0, hops=7)
    first.process.thaw()
    await world.advance(5.0, hops=5)
    await settled(world)


async def an_owner_is_slow_and_its_lease_nearly_over(world: World) -> None:
    """Its request would still be under way when the next owner begins."""
    slow = await an_order_is_booked(world)

    async def unavailable(*_: object) -> None:
        raise LedgerUnavailable("the renewals of this worker fail")

    slow.freeze_at = "planned"
    await world.feed(world.shop.payment("1001", 1))
    vars(slow.parts.ledger.leases)["acquire"] = unavailable
    await world.start()
    await world.advance(50.0, hops=5)
    world.xero.fates.append(Fate("now", "slow"))
    slow.process.thaw()
    await world.calm()
    await world.feed(world.shop.order("1002", 1, "10.00"))
    await world.advance(15.0, hops=15)
    world.check_always()
    await settled(world)


async def two_events_tell_of_one_payment(world: World) -> None:
    """The charge and the intent of a gateway; both are read by the real rule."""
    await an_order_is_booked(world)
    told = {
        "payment_id": "pi_1",
        "gateway": "stripe",
        "amount": "5.00",
        "currency": "GBP",
        "received_at": "2026-11-24T12:00:00Z",
        "order": {"source": "shop-1", "id": "1001"},
    }
    for event in ("charge", "intent"):
        await world.feed(record("PaymentReceived", told, source="stripe-1", event_id=event))
    await world.drain()
    paid = len(world.xero.books.tables["Payments"])
    assert paid == 1, f"one payment was booked {paid} times"


async def a_backlog_of_calls_that_take_some_seconds(world: World) -> None:
    backlog = Backlog(world.ledger, world.time, random.Random(3), median_s=3.0)
    await backlog.run(150.0, person_every_s=1000.0)
    assert backlog.xero.most_in_a_window() <= CALLS, "more calls in a minute than Xero allows"


async def a_server_hangs_up(world: World) -> None:
    """One ticket is one request: a second one is in no slot and no ledger."""
    server = HangingUp()
    async with server.running() as url, client(url) as (sender, _):
        assert isinstance(await sender.send(ticket("PUT")), NoAnswer)
    assert server.requests == 1, f"one ticket, {server.requests} requests"


async def a_payment_is_at_work_for_longer_than_we_send_it(world: World) -> None:
    await an_order_is_booked(world)
    world.xero.fates.append(AT_WORK_FOR_55_S)
    await world.feed(world.shop.payment("1001", 1))
    for seconds in (1.5, 5.0, 20.0, 30.0, 31.0):
        await world.advance(seconds)
    await settled(world)


async def a_ledger_is_put_back_within_the_life_of_its_keys(world: World) -> None:
    await an_order_is_booked(world)
    await world.back_up()
    for part in range(1, 5):
        await world.feed(world.shop.payment("1001", part))
    for number in ("1002", "1003", "1004", "1005"):
        await world.feed(world.shop.order(number, 1, "10.00"))
    await world.restore()
    await world.start()
    for number in ("1006", "1007", "1008"):
        await world.advance(5.0)
        await world.feed(world.shop.order(number, 1, "10.00"))
    await settled(world)
