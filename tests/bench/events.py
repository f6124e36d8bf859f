"""What a shop tells: orders of one to five lines and their payments, as the records of the events topics."""

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from schemas import envelope
from schemas.topics import TopicName
from streams.demo.catalogue import POSTAGE, STANDARD, ZERO_RATED, Customer, Order, OrderLine, customer
from streams.demo.events import cloud_event

SHOP: Final = "shop-1"
_BEGIN: Final = dt.datetime(2026, 11, 24, 9, 0, tzinfo=dt.UTC)
_NAMES: Final = 400


@dataclass(frozen=True, slots=True)
class EventRecord:
    """A record of an events topic in binary mode."""

    topic: TopicName
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


def orders(count: int, *, customers: int, seed: int = 1, source: str = SHOP) -> Iterator[Order]:
    """Orders numbered from 1, each customer as likely as any other; the same seed gives the same orders."""
    chance = random.Random(seed)
    for number in range(1, count + 1):
        items = chance.sample(STANDARD + ZERO_RATED, chance.randint(1, 5))
        lines = [OrderLine(item, chance.choice((1, 1, 1, 2, 3))) for item in items[:4]]
        lines += [OrderLine(POSTAGE, kind="shipping")] * (len(items) == 5)
        yield Order(
            source=source,
            number=str(number),
            customer=_buyer(chance.randrange(customers)),
            lines=tuple(lines),
            placed_at=_BEGIN + dt.timedelta(seconds=number),
        )


def _buyer(position: int) -> Customer:
    known = customer(position % _NAMES)
    return Customer(f"{known.name} {position // _NAMES + 1}", f"c-{position}", f"buyer{position}@example.com")


def placed(order: Order, *, version: int = 1) -> EventRecord:
    """The order as it was placed, or with a higher version as it was changed."""
    name = "OrderPlaced" if version == 1 else "OrderUpdated"
    event = f"order-{order.number}-v{version}"
    return _record("events.orders", name, order.wire(), order.source, event, f"order:{order.number}", order, version)


def paid(order: Order, *, gateway: str = "stripe-1") -> EventRecord:
    """A payment of the whole order."""
    data = {
        "payment_id": f"pi_{order.source}_{order.number}",
        "gateway": "stripe",
        "amount": f"{order.total:.2f}",
        "currency": "GBP",
        "received_at": order.placed_at.isoformat(),
        "order": {"source": order.source, "id": order.number},
    }
    event = f"paid-{order.source}-{order.number}"
    return _record("events.payments", "PaymentReceived", data, gateway, event, f"payment:{event}", order, None)


def cancelled(order: Order) -> EventRecord:
    """The order is called off."""
    data = {"order_id": order.number, "cancelled_at": order.placed_at.isoformat(), "currency": "GBP"}
    event = f"order-{order.number}-cancelled"
    return _record("events.orders", "OrderCancelled", data, order.source, event, f"order:{order.number}", order, 2)


def refunded(order: Order, *, gateway: str = "stripe-1") -> EventRecord:
    """All that was paid goes back."""
    data = {
        "refund_id": f"re_{order.source}_{order.number}",
        "gateway": "stripe",
        "amount": f"{order.total:.2f}",
        "currency": "GBP",
        "refunded_at": order.placed_at.isoformat(),
        "payment_id": f"pi_{order.source}_{order.number}",
        "order": {"source": order.source, "id": order.number},
    }
    event = f"refunded-{order.source}-{order.number}"
    return _record("events.payments", "RefundIssued", data, gateway, event, f"refund:{event}", order, None)


def _record(
    topic: TopicName, name: str, data: Any, source: str, event_id: str, subject: str, order: Order, sequence: int | None
) -> EventRecord:
    event = cloud_event(name, data, source=source, id=event_id, time=order.placed_at, sequence=sequence)
    key, value, headers = envelope.to_kafka(envelope.from_document({**event.document, "subject": subject}))
    return EventRecord(topic, key, value, tuple(headers))
