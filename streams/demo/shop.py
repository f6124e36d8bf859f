"""The day, from a seed: the orders of shops that send CloudEvents, and all that goes wrong on a real day. Pure."""

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from streams.demo.catalogue import (
    ARAN,
    BUOY,
    CAR_SEAT,
    POSTAGE,
    REPAIR,
    ROPE,
    STANDARD,
    VOUCHER,
    ZERO_RATED,
    Customer,
    Item,
    Order,
    OrderLine,
    customer,
)
from streams.demo.events import Event, Way, cloud_event, stripe_payment, stripe_refund

SHOP: Final = "shop-1"
_ORDERS: Final = 250
_CUSTOMERS: Final = 190
_OPENS: Final = dt.time(7, 30, tzinfo=dt.UTC)
_VOUCHER_FROM: Final = Decimal(20)

# One order in each so many has this fate; the numbers share no factor, so the fates mix.
_UPDATED, _BACKWARDS, _CANCELLED, _REFUNDED, _PAID_FIRST, _TOLD_TWICE = 23, 37, 47, 41, 67, 31
_BY_CHARGE_TOO: Final = 7
_UNPAID: Final = 5
_SINGLY: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What is sent, in its order. `archived`: the customer whom a person archives in Xero once she is there; then
    `after_archive` is sent, and later `correction`, which mends it. `malformed` is refused at the door.
    `held`: the order that waits for the correction. `irish` are the orders in euro, which have an organisation of
    their own at Xero.
    """

    date: dt.date
    events: tuple[Event, ...]
    irish: tuple[Event, ...]
    archived: Customer
    after_archive: Event
    correction: Event
    malformed: Event
    held: frozenset[tuple[str, str]]


def day(seed: int, date: dt.date) -> Day:
    """The day `date` of the shop. The same seed gives the same day."""
    chance = random.Random(seed)  # noqa: S311 - a day of business, no secret
    opens = dt.datetime.combine(date, _OPENS)
    events: list[Event] = []
    for position in range(1, _ORDERS + 1):
        order = _order(chance, position, opens + dt.timedelta(minutes=2 * position))
        events += _with_doubles(position, _life(chance, position, order))
    noon = opens + dt.timedelta(hours=5)
    archived = Customer("Margaret Archer", "c-900", "margaret@example.com")
    first, second = (_sale(number, archived, noon, STANDARD[at]) for at, number in enumerate(("1292", "1293")))
    moved = replace(second, customer=Customer("Peggy Archer", "c-901", "peggy@example.com"))
    # Her first order opens the day, so that her contact is in the books when a person archives it.
    special = [*_placed(first), *_people(noon), *_unbookable(noon), *_other_sources(noon), *_test_mode(noon)]
    # Money goes back in the evening.
    events.sort(key=lambda event: event.type == "refund.created")
    return Day(
        date=date,
        # The CRM tells the older version of its contact last: it is superseded.
        events=(*special, *events, _contact("Marina Offce", 1, noon - dt.timedelta(hours=1))),
        irish=tuple(_irish(noon)),
        archived=archived,
        after_archive=_order_event("OrderPlaced", second, 1, way="single"),
        correction=_order_event("OrderUpdated", moved, 2, way="single"),
        malformed=_malformed(noon),
        held=frozenset({(SHOP, second.number)}),
    )


def _order(chance: random.Random, position: int, when: dt.datetime) -> Order:
    lines = [_line(chance, chance.choice(STANDARD if chance.random() < 0.7 else ZERO_RATED))]
    lines += [_line(chance, item) for item in chance.sample(STANDARD + ZERO_RATED, chance.randint(0, 3))]
    taxed = sum((line.amount for line in lines if line.item.rate == "20"), Decimal(0))
    if chance.random() < 0.15 and taxed >= _VOUCHER_FROM:
        lines.append(OrderLine(VOUCHER, kind="discount"))
    if chance.random() < 0.6:
        lines.append(OrderLine(POSTAGE, kind="shipping"))
    return Order(
        source=SHOP,
        number=str(1000 + position),
        customer=_buyer(chance, position),
        lines=tuple(lines),
        placed_at=when,
    )


def _line(chance: random.Random, item: Item) -> OrderLine:
    quantity = chance.choice((1, 1, 1, 2, 3))
    discount = Decimal(chance.choice(("0.50", "1.25", "2.99"))) if chance.random() < 0.2 else Decimal(0)
    return OrderLine(item, quantity, discount)


def _buyer(chance: random.Random, position: int) -> Customer:
    if chance.random() < 0.1:
        return Customer(f"Guest of order {1000 + position}", email=f"guest{position}@example.net")
    return customer(chance.randint(1, _CUSTOMERS))


def _life(chance: random.Random, position: int, order: Order) -> list[Event]:
    """Everything that happens to one order, in the order in which it is told."""
    way: Way = "single" if position % _SINGLY == 0 else "batch"
    placed = _order_event("OrderPlaced", order, 1, way=way)
    if position % _CANCELLED == 0:
        return [placed, _cancelled(order)]
    grown = replace(order, lines=(*order.lines, OrderLine(chance.choice(STANDARD))))
    if position % _UPDATED == 0:
        return [placed, _order_event("OrderUpdated", grown, 2, way=way)]
    if position % _BACKWARDS == 0:
        return [_order_event("OrderUpdated", grown, 2, way=way), placed, *_paid(grown, position)]
    if position % _UNPAID == 0:
        return [placed]
    if position % _PAID_FIRST == 0:
        return [*_paid(order, position), placed]
    refund = _refund(order, full=position % 2 == 0) if position % _REFUNDED == 0 else []
    return [placed, *_paid(order, position), *refund]


def _with_doubles(position: int, events: list[Event]) -> list[Event]:
    return [*events, events[-1]] if position % _TOLD_TWICE == 0 else events


def _order_event(name: str, order: Order, version: int, *, way: Way = "batch") -> Event:
    return cloud_event(
        name,
        order.wire(),
        source=order.source,
        id=f"order-{order.number}-v{version}",
        time=order.placed_at + dt.timedelta(minutes=10 * (version - 1)),
        sequence=version,
        way=way,
    )


def _cancelled(order: Order) -> Event:
    when = order.placed_at + dt.timedelta(minutes=20)
    data = {"order_id": order.number, "cancelled_at": when.isoformat(), "currency": "GBP", "reason": "changed my mind"}
    return cloud_event(
        "OrderCancelled", data, source=order.source, id=f"order-{order.number}-cancelled", time=when, sequence=2
    )


def _paid(order: Order, position: int) -> list[Event]:
    when = order.placed_at + dt.timedelta(minutes=1)
    intent = stripe_payment(order.number, order.total, when, order=order.number)
    if position % _BY_CHARGE_TOO == 0:
        return [stripe_payment(order.number, order.total, when, order=order.number, charge=True), intent]
    return [intent]


def _refund(order: Order, *, full: bool) -> list[Event]:
    amount = order.total if full else order.lines[0].amount
    when = order.placed_at + dt.timedelta(hours=1)
    return [stripe_refund(order.number, order.number, amount, when, order.number)]


def _sale(number: str, buyer: Customer, when: dt.datetime, *items: Item) -> Order:
    lines = tuple(OrderLine(item) for item in items)
    return Order(source=SHOP, number=number, customer=buyer, lines=lines, placed_at=when)


def _placed(order: Order) -> list[Event]:
    return [_order_event("OrderPlaced", order, 1), *_paid(order, 1)]


def _people(noon: dt.datetime) -> Iterator[Event]:
    """Two John Smiths, a name that an archived contact holds, and a guest of whom only the name is known."""
    yield from _placed(_sale("1294", Customer("John Smith", "c-911", "john@example.com"), noon, STANDARD[2]))
    yield from _placed(_sale("1295", Customer("John Smith", "c-912", "jsmith@example.com"), noon, STANDARD[3]))
    yield from _placed(_sale("1296", Customer("Old Customer (archived)", "c-913"), noon, ZERO_RATED[0]))
    yield from _placed(_sale("1298", Customer("Passing Sailor"), noon, STANDARD[0], POSTAGE))


def _unbookable(noon: dt.datetime) -> Iterator[Event]:
    """Two orders at a rate that the tenant file does not know yet, one that does not add up, money without an order."""
    for number in ("1289", "1290"):
        yield from _placed(_sale(number, customer(int(number) - 1280), noon, CAR_SEAT, STANDARD[4]))
    wrong = _order_event("OrderPlaced", _sale("1291", customer(3), noon, STANDARD[1]), 1, way="single")
    document = {**wrong.document, "data": {**wrong.document["data"], "total": "194.95", "total_tax": "32.49"}}
    yield replace(wrong, document=document)
    yield stripe_payment("unknown", Decimal("42.00"), noon, order=None)


def _other_sources(noon: dt.datetime) -> Iterator[Event]:
    """A second shop with the same order numbers, finished jobs, a CRM, and an order straight into Kafka."""
    for position in range(1, 7):
        lines = (OrderLine(BUOY, position), OrderLine(ROPE, 5 + position))
        buyer = Customer(f"Boatyard {position}", f"trade-{position}", f"yard{position}@example.org")
        order = Order(
            source="shop-2",
            number=str(1000 + position),
            customer=buyer,
            lines=lines,
            placed_at=noon,
            taxes_included=False,
        )
        yield _order_event("OrderPlaced", order, 1)
    for number in ("501", "502"):
        job = Order(
            source="jobs-1",
            number=number,
            customer=Customer("Harbour Sailing Club", "club"),
            lines=(OrderLine(REPAIR, 3, kind="service"),),
            placed_at=noon,
            taxes_included=False,
        )
        data = job.wire("job_id", "completed_at")
        yield cloud_event("JobCompleted", data, source="jobs-1", id=f"job-{number}", time=noon, sequence=1)
    yield _contact("Marina Office Ltd", 2, noon)
    yield _order_event("OrderPlaced", _sale("1297", customer(4), noon, STANDARD[5], ZERO_RATED[3]), 1, way="kafka")


def _irish(noon: dt.datetime) -> Iterator[Event]:
    """Two customers in Ireland, who are sent an invoice."""
    for position, name in enumerate(("Niamh Byrne", "Cian Doyle"), 1):
        order = _sale(str(1300 + position), Customer(name, f"c-95{position}"), noon, ARAN)
        yield _order_event("OrderPlaced", replace(order, currency="EUR"), 1)


def _contact(name: str, version: int, when: dt.datetime) -> Event:
    contact = {"name": name, "email": "office@example.org", "phone": "+44 1326 555 010"}
    data = {"contact_id": "501", "contact": contact, "updated_at": when.isoformat(), "country": "GB"}
    identifier = f"contact-501-v{version}"
    return cloud_event("ContactUpdated", data, source="crm-1", id=identifier, time=when, sequence=version, way="single")


def _test_mode(noon: dt.datetime) -> Iterator[Event]:
    for number in ("1", "2"):
        yield stripe_payment(f"test{number}", Decimal("9.99"), noon, order="1294", live=False)


def _malformed(noon: dt.datetime) -> Event:
    event = _order_event("OrderPlaced", _sale("1299", customer(5), noon, STANDARD[0]), 1, way="single")
    line = {**event.document["data"]["lines"][0], "quantity": "two"}
    return replace(event, document={**event.document, "data": {**event.document["data"], "lines": [line]}})
