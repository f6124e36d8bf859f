"""What the outside world sends in a round, from a seed: stories of orders, jobs and contacts, told badly.

Stories are drawn so that the books they lead to do not depend on the order in which their events arrive: an order
whose price changes is not paid, and what is paid changes only in fields that Xero lets one change.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from tests.chaos import malformed, shapes
from tests.chaos.shapes import Document, Line, Order

Way = Literal["single", "binary", "batch", "webhook", "kafka", "kafka binary"]

_NAMES: Final = ("Ada Smith", "John Smith", "Grace Li", "Ada Smith", "O'Brien & Söhne", "Ada Smith", "Ömer  Å")
_RATES: Final = {"GBP": ("20", "20", "20", "5", "0"), "EUR": ("23", "23", "0")}
# Of 20 stories so many are of each kind.
_STORIES: Final = ("paid",) * 8 + ("updated",) * 4 + ("cancelled",) * 3 + ("job",) * 2 + ("contact",) * 3
_DUPLICATE: Final = 0.15
_RETOLD: Final = 0.06
_SHUFFLED: Final = 0.4
_MALFORMED: Final = 0.08
_SMALL_PARTS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way. `at`: after so many seconds; `word` names one that is malformed."""

    at: float
    way: Way
    source: str
    body: bytes
    word: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is sent: `stories` of several events each, within `seconds`.

    `given_back`: so many orders beside them that are paid in many small parts, each of which is taken back by a call of
    its own, so that the calls of a minute are soon used up.
    """

    stories: int = 18
    seconds: float = 4.0
    given_back: int = 0


def draw(chance: random.Random, tag: str, size: Size) -> list[Delivery]:
    """The deliveries of a round in the order of their time; `tag` makes their ids its own."""
    drawn = _Draw(chance, tag, size.seconds)
    kinds = [chance.choice(_STORIES) for _ in range(size.stories)] + ["given_back"] * size.given_back
    deliveries = [one for number, kind in enumerate(kinds) for one in drawn.story(number, kind)]
    for number in range(round(len(deliveries) * _MALFORMED) + 1):
        deliveries.append(drawn.malformed(number))
    return sorted(deliveries, key=lambda one: one.at)


class _Draw:
    def __init__(self, chance: random.Random, tag: str, seconds: float) -> None:
        self._chance = chance
        self._tag = tag
        self._seconds = seconds

    def story(self, number: int, kind: str) -> Iterator[Delivery]:
        """One story, its events in order or not, some told twice."""
        identifier = f"{self._tag}{number:03d}"
        documents = list(getattr(self, f"_{kind}")(identifier))
        if self._chance.random() < _SHUFFLED:
            self._chance.shuffle(documents)
        begins = self._chance.uniform(0, self._seconds * 0.8)
        for at, document in enumerate(documents):
            when = min(begins + at * self._chance.uniform(0.0, 0.5), self._seconds)
            yield self._delivery(document, when)
            if self._chance.random() < _DUPLICATE:
                yield self._delivery(document, min(when + self._chance.uniform(0, 2), self._seconds))
            if "sequence" in document and self._chance.random() < _RETOLD:
                yield self._delivery({**document, "id": f"{document['id']}-again"}, when)

    def malformed(self, number: int) -> Delivery:
        """An event that must not be booked."""
        word = f"bad{self._tag}{number:03d}"
        bad = malformed.draw(self._chance, word, number)
        way: Way = "single" if bad.over_http and self._chance.random() < 0.5 else "kafka"
        at = self._chance.uniform(0, self._seconds)
        return Delivery(at=at, way=way, source="shop-1", body=bad.body, word=word)

    def _delivery(self, document: Document, at: float) -> Delivery:
        is_event = "specversion" in document
        source = str(document["source"]) if is_event else "stripe-1"
        ways: tuple[Way, ...] = ("single", "binary", "batch", "batch", "kafka", "kafka binary")
        if not is_event:
            ways = ("webhook",)
        elif source == "stripe-1":
            ways = ("kafka", "kafka binary")
        way = self._chance.choice(ways)
        return Delivery(at=at, way=way, source=source, body=json.dumps(document).encode())

    # Stories.

    def _paid(self, id: str) -> Iterator[Document]:
        """Placed, paid in parts, perhaps told anew with another reference; some of it goes back."""
        order = self._order(id)
        yield shapes.sale(order, f"order-{id}-1", 1, 0)
        if self._chance.random() < 0.25:
            again = order._replace(reference=f"Ref {id}")
            yield shapes.sale(again, f"order-{id}-2", 2, 0)
        amounts = self._parts(order.total)
        reversed_ = self._chance.random() < 0.15
        for part, pennies in enumerate(amounts):
            payment_id, through = f"p{id}{part}", self._gateway(order)
            yield from self._told(order, through, payment_id, pennies)
            if reversed_ and part == 0:
                yield from self._taken_back(order, through, payment_id)
            elif self._chance.random() < 0.25:
                yield self._returned(order, through, payment_id, self._chance.randint(1, pennies))

    def _updated(self, id: str) -> Iterator[Document]:
        """Placed and changed, up to three times."""
        order = self._order(id)
        for version in range(1, self._chance.randint(2, 4) + 1):
            yield shapes.sale(order, f"order-{id}-{version}", version, 0)
            order = order._replace(lines=self._lines(order.currency))
            if self._chance.random() < 0.3:
                order = order._replace(customer=self._customer(order.source))

    def _cancelled(self, id: str) -> Iterator[Document]:
        """Placed, perhaps changed, and cancelled."""
        order = self._order(id)
        last = self._chance.randint(1, 2)
        for version in range(1, last + 1):
            yield shapes.sale(order, f"order-{id}-{version}", version, 0)
            order = order._replace(lines=self._lines(order.currency))
        yield shapes.cancellation(order, f"order-{id}-{last + 1}", last + 1, 5)

    def _job(self, id: str) -> Iterator[Document]:
        """A finished job, perhaps with a part payment."""
        order = _as_job(self._order(id))
        yield shapes.sale(order, f"job-{id}-1", 1, 0)
        if self._chance.random() < 0.5:
            yield shapes.payment(order, "jobs-1", "shop", f"p{id}0", self._chance.randint(1, order.total // 2), 3)

    def _given_back(self, id: str) -> Iterator[Document]:
        """An order in pounds with many small payments, all of them taken back."""
        order = self._order(id)._replace(source="shop-2", currency="GBP", lines=self._lines("GBP"))
        yield shapes.sale(order, f"order-{id}-1", 1, 0)
        for part in range(_SMALL_PARTS):
            yield shapes.payment(order, "shop-2", "shop", f"p{id}{part:02d}", self._chance.randint(1, 5), 1)
        for part in range(_SMALL_PARTS):
            yield shapes.reversal("shop-2", "shop", f"p{id}{part:02d}", 8)

    def _contact(self, id: str) -> Iterator[Document]:
        """A contact of the CRM in up to three versions."""
        for version in range(1, self._chance.randint(1, 3) + 1):
            yield shapes.contact("crm-1", id, version, version)

    # Parts of stories.

    def _order(self, id: str) -> Order:
        source = self._chance.choice(("shop-1", "shop-1", "shop-1", "shop-2"))
        currency = "EUR" if source == "shop-1" and self._chance.random() < 0.3 else "GBP"
        included = self._chance.random() < 0.75
        return Order(source, id, currency, self._customer(source), self._lines(currency), included)

    def _customer(self, source: str) -> dict[str, Any]:
        number = self._chance.randint(1, 15)
        name = _NAMES[number % len(_NAMES)]
        if source == "shop-1" and self._chance.random() < 0.1:
            return {"name": name, "email": f"guest-{number}@example.com"}
        if source == "shop-2" and self._chance.random() < 0.1:
            return {"name": name}
        return {"id": f"c{number}", "name": name}

    def _lines(self, currency: str) -> tuple[Line, ...]:
        rates = _RATES[currency]
        lines = []
        for _ in range(self._chance.randint(1, 4)):
            unit, quantity = self._chance.randint(100, 9_999), self._chance.randint(1, 5)
            discount = self._chance.randint(1, 90) if self._chance.random() < 0.2 else 0
            lines.append(Line(unit, quantity, self._chance.choice(rates), discount))
        if self._chance.random() < 0.4:
            lines.append(Line(395, 1, rates[0], kind="shipping"))
        return tuple(lines)

    def _parts(self, total: int) -> list[int]:
        """Payments of an order: mostly parts of at most half of it, because Xero refuses what exceeds the rest."""
        fate = self._chance.random()
        if fate < 0.1:
            return [total]
        if fate < 0.25:
            return [total // 2, total - total // 2]
        amounts: list[int] = []
        for _ in range(self._chance.randint(1, 3)):
            left = min(total // 2, total - sum(amounts))
            if left > 1:
                amounts.append(self._chance.randint(1, left))
        return amounts

    def _gateway(self, order: Order) -> str:
        """Who tells of a payment: the shop itself, Stripe's webhook, or Stripe's payments straight in Kafka."""
        if order.source == "shop-1":
            through = ("shop", "webhook", "stripe") if order.currency == "GBP" else ("webhook", "stripe")
            return self._chance.choice(through)
        return "shop"

    def _told(self, order: Order, through: str, payment_id: str, pennies: int) -> Iterator[Document]:
        if through == "webhook":
            kinds = ["payment_intent.succeeded", "charge.succeeded"]
            self._chance.shuffle(kinds)
            for kind in kinds[: self._chance.choice((1, 1, 2))]:
                yield shapes.stripe_payment(kind, payment_id, pennies, order.currency, order.id, 1)
        elif through == "stripe":
            yield shapes.payment(order, "stripe-1", "stripe", payment_id, pennies, 1)
        else:
            yield shapes.payment(order, order.source, "shop", payment_id, pennies, 1)

    def _taken_back(self, order: Order, through: str, payment_id: str) -> Iterator[Document]:
        if through == "shop":
            yield shapes.reversal(order.source, "shop", payment_id, 8)
        else:
            yield shapes.reversal("stripe-1", "stripe", payment_id, 8)

    def _returned(self, order: Order, through: str, payment_id: str, pennies: int) -> Document:
        refund_id = f"r{payment_id}"
        if through == "webhook":
            names_order = self._chance.random() < 0.6
            return shapes.stripe_refund(
                refund_id, payment_id, pennies, order.currency, order.id if names_order else None, 9
            )
        if through == "stripe":
            return shapes.refund(order, "stripe-1", "stripe", refund_id, pennies, 9)
        return shapes.refund(order, order.source, "shop", refund_id, pennies, 9)


def _as_job(order: Order) -> Order:
    """The same sale by the job tool, which knows other customers and only pounds."""
    person = {"id": "j" + str(order.customer.get("id", "0")), "name": order.customer["name"]}
    lines = tuple(line if line.rate in _RATES["GBP"] else line._replace(rate="20") for line in order.lines)
    return order._replace(source="jobs-1", currency="GBP", customer=person, lines=lines)
