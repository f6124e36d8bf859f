"""What the shop has: orders, what moved of their money, customers, disputes and payouts. Plain data.

Amounts are in the shop's currency. What follows from the data (totals, what is owed) is reckoned here, so that bodies
of webhooks and nodes of GraphQL cannot disagree about it.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from connectors.shopify.sandbox.catalogue import Person, Product
from schemas.money import round_half_up

_NOTHING: Final = Decimal("0.00")


def tax_in(amount: Decimal, rate: Decimal, *, included: bool) -> Decimal:
    """The tax of an amount, to the penny."""
    return round_half_up(amount * rate / (1 + rate) if included else amount * rate)


@dataclass(slots=True)
class Customer:
    """`updated` is when the details changed last."""

    id: int
    person: Person
    created: datetime
    updated: datetime


@dataclass(slots=True)
class Line:
    """One line; without a product it is a tip or something made to order. `discount` is off the whole line."""

    id: int
    name: str
    price: Decimal
    quantity: int
    rate: Decimal
    discount: Decimal = _NOTHING
    product: Product | None = None

    @property
    def net(self) -> Decimal:
        return self.price * self.quantity - self.discount

    def share(self, quantity: int) -> Decimal:
        """What so many of it come to, with their part of the discount."""
        return self.price * quantity - round_half_up(self.discount * quantity / self.quantity)


@dataclass(slots=True)
class Shipping:
    """How it is sent."""

    id: int
    title: str
    price: Decimal
    rate: Decimal


@dataclass(slots=True)
class Transaction:
    """Money that moved, or should have. `amount` is in the shop's currency."""

    id: int
    kind: str
    status: str
    gateway: str
    amount: Decimal
    created: datetime
    payment_id: str | None = None
    parent: int | None = None

    @property
    def processed(self) -> datetime:
        """A gateway takes a moment."""
        return self.created + timedelta(seconds=1)


@dataclass(slots=True)
class RefundLine:
    """So many of a line came back."""

    line: Line
    quantity: int
    subtotal: Decimal
    tax: Decimal


@dataclass(slots=True)
class Refund:
    """`lowers` is by how much it lowered what the order comes to."""

    id: int
    created: datetime
    note: str | None
    lines: list[RefundLine]
    shipping: Shipping | None
    transactions: list[Transaction]
    lowers: Decimal = _NOTHING


@dataclass(slots=True)
class Order:
    """An order. `person` is the customer as it was then.

    `abroad` is the customer's currency and how many of it one of the shop's is.
    """

    id: int
    number: int
    customer: Customer
    person: Person
    lines: list[Line]
    shipping: list[Shipping]
    created: datetime
    updated: datetime
    currency: str
    taxes_included: bool
    test: bool = False
    tip: Decimal = _NOTHING
    abroad: tuple[str, Decimal] | None = None
    po_number: str | None = None
    cancelled: datetime | None = None
    cancel_reason: str | None = None
    transactions: list[Transaction] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)

    @property
    def tax(self) -> Decimal:
        parts = [(line.net, line.rate) for line in self.lines] + [(way.price, way.rate) for way in self.shipping]
        return sum((tax_in(net, rate, included=self.taxes_included) for net, rate in parts), _NOTHING)

    @property
    def total(self) -> Decimal:
        net = sum((line.net for line in self.lines), _NOTHING) + sum((way.price for way in self.shipping), _NOTHING)
        return net if self.taxes_included else net + self.tax

    @property
    def current_total(self) -> Decimal:
        return self.total - sum((refund.lowers for refund in self.refunds), _NOTHING)

    @property
    def received(self) -> Decimal:
        """What the customer paid, less what went back."""
        moved = [one for one in self.transactions if one.status == "success"]
        came = sum((one.amount for one in moved if one.kind in ("sale", "capture")), _NOTHING)
        return came - sum((one.amount for one in moved if one.kind == "refund"), _NOTHING)

    @property
    def outstanding(self) -> Decimal:
        return self.current_total - self.received

    @property
    def financial_status(self) -> str:
        gave_back = any(one.kind == "refund" and one.status == "success" for one in self.transactions)
        if gave_back:
            return "partially_refunded" if self.received > 0 else "refunded"
        if self.received <= 0:
            return "pending" if self.outstanding > 0 else "paid"
        return "partially_paid" if self.outstanding > 0 else "paid"

    def left(self, line: Line) -> int:
        """How many of a line did not come back."""
        return line.quantity - sum(part.quantity for one in self.refunds for part in one.lines if part.line is line)


@dataclass(slots=True)
class Dispute:
    """A customer's bank asks."""

    id: int
    order: Order
    type: str
    status: str
    amount: Decimal
    initiated: datetime
    finalized: datetime | None = None


@dataclass(slots=True)
class BalanceTransaction:
    """A movement of the account with Shopify Payments. `payout` is the one that it is part of, if any yet."""

    id: int
    type: str
    order: Order
    transaction: Transaction
    amount: Decimal
    fee: Decimal
    at: datetime
    payout: "Payout | None" = None


@dataclass(slots=True)
class Payout:
    """What goes to the bank."""

    id: int
    status: str
    issued: datetime
    parts: list[BalanceTransaction]

    def fee(self, type_: str) -> Decimal:
        return sum((part.fee for part in self.parts if part.type == type_), _NOTHING)

    @property
    def net(self) -> Decimal:
        return sum((part.amount - part.fee for part in self.parts), _NOTHING)
