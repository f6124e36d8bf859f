"""What the demo's shop sells, to whom, and what an order of it looks like on the wire."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from schemas.money import round_half_up

_HUNDRED: Final = Decimal(100)
CURRENCY: Final = "GBP"


@dataclass(frozen=True, slots=True)
class Item:
    """Something that is sold. `price` is gross for consumers, net in trade; `rate` is VAT in percent."""

    sku: str
    name: str
    price: Decimal
    rate: str


@dataclass(frozen=True, slots=True)
class Customer:
    """Without `id` a guest."""

    name: str
    id: str | None = None
    email: str | None = None

    def wire(self) -> dict[str, Any]:
        """As the events' contract writes it."""
        return {key: value for key in ("id", "name", "email") if (value := getattr(self, key)) is not None}


@dataclass(frozen=True, slots=True)
class OrderLine:
    """`discount` is the money off the whole line."""

    item: Item
    quantity: int = 1
    discount: Decimal = Decimal(0)
    kind: str = "goods"

    @property
    def amount(self) -> Decimal:
        return self.item.price * self.quantity - self.discount

    def tax(self, *, included: bool) -> Decimal:
        """VAT as the shop computes it: per line, half up."""
        rate = Decimal(self.item.rate)
        return round_half_up(self.amount * rate / (_HUNDRED + rate if included else _HUNDRED))

    def wire(self, position: int) -> dict[str, Any]:
        """As the events' contract writes it."""
        line = {
            "id": str(position),
            "description": self.item.name,
            "quantity": str(self.quantity),
            "unit_amount": f"{self.item.price:.2f}",
            "tax_rate": self.item.rate,
            "kind": self.kind,
            "sku": self.item.sku,
        }
        return line | ({"discount_amount": f"{self.discount:.2f}"} if self.discount else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order as its source knows it. `taxes_included`: prices are gross."""

    source: str
    number: str
    customer: Customer
    lines: tuple[OrderLine, ...]
    placed_at: dt.datetime
    taxes_included: bool = True
    currency: str = CURRENCY

    @property
    def tax(self) -> Decimal:
        return sum((line.tax(included=self.taxes_included) for line in self.lines), Decimal(0))

    @property
    def total(self) -> Decimal:
        amounts = sum((line.amount for line in self.lines), Decimal(0))
        return amounts if self.taxes_included else amounts + self.tax

    def wire(self, id_field: str = "order_id", time_field: str = "placed_at") -> dict[str, Any]:
        """The data of OrderPlaced or OrderUpdated, or with other fields of JobCompleted."""
        return {
            id_field: self.number,
            "number": self.number,
            time_field: self.placed_at.isoformat(),
            "currency": self.currency,
            "customer": self.customer.wire(),
            "lines": [line.wire(position) for position, line in enumerate(self.lines, 1)],
            "total": f"{self.total:.2f}",
            "total_tax": f"{self.tax:.2f}",
            "taxes_included": self.taxes_included,
        }


def _items(rate: str, rows: Mapping[str, str]) -> tuple[Item, ...]:
    return tuple(Item(f"{rate}-{at}", name, Decimal(price), rate) for at, (name, price) in enumerate(rows.items(), 1))


STANDARD: Final = _items(
    "20",
    {
        "Enamel mug": "12.00",
        "Oilskin jacket": "149.95",
        "Canvas holdall": "64.50",
        "Brass lantern": "38.99",
        "Wool blanket": "85.00",
        "Deck shoes": "72.49",
        "Ship's compass": "119.00",
    },
)
ZERO_RATED: Final = _items(
    "0",
    {
        "Tide tables, paperback": "9.99",
        "Child's jumper": "24.00",
        "Smoked mackerel": "6.35",
        "Atlas of the coast": "31.50",
    },
)
# Children's car seats are what a shop most often sells at the reduced rate.
CAR_SEAT: Final = Item("5-1", "Child's car seat", Decimal("94.50"), "5")
POSTAGE: Final = Item("POST", "Postage", Decimal("3.95"), "20")
VOUCHER: Final = Item("VOUCHER", "Voucher SPRING5", Decimal("-5.00"), "20")
BUOY: Final = Item("T-1", "Mooring buoy, trade", Decimal("41.37"), "20")
ROPE: Final = Item("T-2", "Rope, per metre, trade", Decimal("2.33"), "20")
# Ireland's own standard rate.
ARAN: Final = Item("23-1", "Aran jumper", Decimal("89.00"), "23")
REPAIR: Final = Item("R-1", "Sail repair, per hour", Decimal("58.75"), "20")

_FIRST: Final = (
    *("Ada", "Amir", "Beth", "Callum", "Chloe", "Dilys", "Ewan", "Fatima", "George", "Hannah"),
    *("Idris", "Jaya", "Kit", "Leah", "Maeve", "Nikhil", "Olwen", "Priya", "Rhys", "Zoë"),
)
_LAST: Final = (
    *("Ahmed", "Baker", "Clarke", "Davies", "Evans", "Fraser", "Green", "Hughes", "Iqbal", "Jones"),
    *("Khan", "Lewis", "Morgan", "Nowak", "O'Brien", "Patel", "Reid", "Singh", "Taylor", "Wood"),
)


def customer(position: int) -> Customer:
    """The shop's customer number `position`, of at most 400; always the same."""
    first = _FIRST[position % len(_FIRST)]
    last = _LAST[(position // len(_FIRST) + 7 * position) % len(_LAST)]
    return Customer(f"{first} {last}", f"c-{position}", f"customer{position}@example.com")
