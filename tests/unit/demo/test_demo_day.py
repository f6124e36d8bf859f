"""The demo's day: the same from the same seed, in the contract's form, with every fate in it."""

import datetime as dt
from collections import Counter
from decimal import Decimal

import pytest

from schemas.codec import Refused
from schemas.envelope import from_document
from schemas.events import decode_event
from streams.demo.catalogue import POSTAGE, STANDARD, Customer, Item, Order, OrderLine, customer
from streams.demo.shop import Day, day

DATE = dt.date(2026, 11, 23)


@pytest.fixture(scope="module")
def business() -> Day:
    return day(7, DATE)


def test_the_same_seed_gives_the_same_day(business: Day) -> None:
    assert day(7, DATE) == business
    assert day(8, DATE) != business


def test_the_larger_part_of_about_three_hundred_orders_are_cloud_events(business: Day) -> None:
    orders = {(event.source, event.document["data"]["order_id"]) for event in business.events if "Order" in event.type}
    assert 255 <= len(orders) <= 275


def test_every_event_but_the_malformed_one_fits_its_contract(business: Day) -> None:
    sent = [*business.events, *business.irish, business.after_archive, business.correction]
    for event in sent:
        if event.way != "webhook":
            decode_event(from_document(dict(event.document)))
    with pytest.raises(Refused) as refused:
        decode_event(from_document(dict(business.malformed.document)))
    assert refused.value.path.endswith("lines[0].quantity")


def test_every_fate_is_in_it(business: Day) -> None:
    types = Counter(event.type for event in business.events)
    assert types["OrderCancelled"] >= 5
    assert types["OrderUpdated"] >= 15
    assert types["refund.created"] >= 5
    assert types["charge.succeeded"] >= 20
    assert {event.way for event in business.events} == {"single", "batch", "webhook", "kafka"}
    assert {event.source for event in business.events} == {"shop-1", "shop-2", "crm-1", "jobs-1", "stripe-1"}
    told_twice = [
        key for key, times in Counter((event.source, event.id) for event in business.events).items() if times > 1
    ]
    assert len(told_twice) >= 8
    ids = [event.id for event in business.events if event.source == "shop-1"]
    assert any(ids.index(f"order-{number}-v2") < ids.index(f"order-{number}-v1") for number in ("1037", "1074"))
    paid = [event.document["data"]["object"] for event in business.events if event.type == "payment_intent.succeeded"]
    assert sum(not thing["metadata"] for thing in paid) == 1
    assert sum(not thing["livemode"] for thing in paid) == 2
    smiths = {
        event.document["data"]["customer"]["id"]
        for event in business.events
        if event.type == "OrderPlaced" and event.document["data"]["customer"]["name"] == "John Smith"
    }
    assert len(smiths) == 2


def test_an_event_told_twice_is_the_same_to_the_letter(business: Day) -> None:
    first: dict[tuple[str, str], object] = {}
    for event in business.events:
        assert first.setdefault((event.source, event.id), event.document) == event.document


def test_totals_are_the_shops_own_arithmetic() -> None:
    gross = Order(
        source="shop-1",
        number="1",
        customer=Customer("Ada"),
        lines=(OrderLine(STANDARD[0], 2, Decimal("1.25")), OrderLine(POSTAGE)),
        placed_at=dt.datetime(2026, 11, 23, tzinfo=dt.UTC),
    )
    assert (gross.total, gross.tax) == (Decimal("26.70"), Decimal("4.45"))
    net = Order(
        source="shop-2",
        number="1",
        customer=Customer("Yard"),
        lines=(OrderLine(Item("B", "Buoy", Decimal("41.37"), "20")),),
        placed_at=gross.placed_at,
        taxes_included=False,
    )
    assert (net.total, net.tax) == (Decimal("49.64"), Decimal("8.27"))


def test_customers_have_names_of_their_own_number() -> None:
    assert customer(5) == customer(5)
    assert len({customer(position).id for position in range(190)}) == 190
