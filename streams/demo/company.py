"""A company with a database of its own: orders of its trade customers, each told by a row of its outbox.

It is an application of somebody else's. It knows deploy/docs/outbox.md and writes SQL; nothing of ours is used.
"""

import datetime as dt
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

from streams.demo.catalogue import BUOY, ROPE, Customer, Order, OrderLine
from streams.demo.doors import COMPANY
from streams.demo.events import Event, cloud_event

_ORDERS: Final = 16
_CUSTOMERS: Final = 7
_CHANGED, _CANCELLED = 5, 7
_GIVEN_UP: Final = 8

_OWN_TABLE: Final = "CREATE TABLE IF NOT EXISTS orders (number TEXT PRIMARY KEY, buyer TEXT, total TEXT, state TEXT)"
_SAVE: Final = "INSERT OR REPLACE INTO orders (number, buyer, total, state) VALUES (?, ?, ?, ?)"
_TELL: Final = (
    "INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, sequence) VALUES (?, 'order', ?, ?, ?, ?)"
)


def found(database: Path) -> None:
    """The company's database as it was before anybody thought of an outbox."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(_OWN_TABLE)


def work(database: Path, date: dt.date) -> tuple[Event, ...]:
    """A day of the company, the outbox being there: each order and its event are in the one transaction. Returns the
    events whose transactions were committed; one is rolled back, and neither its order nor its event is ever there."""
    told: list[Event] = []
    with closing(sqlite3.connect(database)) as connection:
        for number, event in _business(dt.datetime.combine(date, dt.time(8), tzinfo=dt.UTC)):
            _change(connection, event)
            if number == _GIVEN_UP:
                connection.rollback()
            else:
                connection.commit()
                told.append(event)
    return tuple(told)


def _change(connection: sqlite3.Connection, event: Event) -> None:
    document, data = event.document, event.document["data"]
    order, buyer = data["order_id"], data.get("customer", {}).get("name")
    connection.execute(_SAVE, (order, buyer, data.get("total"), event.type))
    connection.execute(_TELL, (event.id, order, document["type"], json.dumps(data), int(document["sequence"])))


def _business(opens: dt.datetime) -> Iterator[tuple[int, Event]]:
    """What happens, with the number of the order in the day."""
    for at in range(1, _ORDERS + 1):
        buyer = 1 + at % _CUSTOMERS
        order = Order(
            source=COMPANY,
            number=str(8000 + at),
            customer=Customer(f"Chandlery {buyer}", f"trade-{buyer}", f"chandlery{buyer}@example.org"),
            lines=(OrderLine(BUOY, at), OrderLine(ROPE, 3 + 2 * at)),
            placed_at=opens + dt.timedelta(minutes=10 * at),
            taxes_included=False,
        )
        yield at, _told("OrderPlaced", order, 1)
        if at % _CHANGED == 0:
            yield at, _told("OrderUpdated", replace(order, lines=(*order.lines, OrderLine(BUOY, 2))), 2)
        if at % _CANCELLED == 0:
            yield at, _cancelled(order)


def _told(name: str, order: Order, version: int) -> Event:
    when = order.placed_at + dt.timedelta(minutes=version)
    identifier = f"{order.number}-v{version}"
    return cloud_event(name, order.wire(), source=COMPANY, id=identifier, time=when, sequence=version, way="outbox")


def _cancelled(order: Order) -> Event:
    when = order.placed_at + dt.timedelta(minutes=5)
    data = {"order_id": order.number, "cancelled_at": when.isoformat(), "reason": "out of stock"}
    return cloud_event(
        "OrderCancelled", data, source=COMPANY, id=f"{order.number}-off", time=when, sequence=2, way="outbox"
    )
