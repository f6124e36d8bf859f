"""Orders of a shop."""

from datetime import date
from typing import Annotated

from msgspec import Meta

from schemas.events.fields import (
    Address,
    Amount,
    Contract,
    Currency,
    Customer,
    Identifier,
    Instant,
    Line,
    Name,
    PositiveAmount,
    ShortText,
)


class SalesDocument(Contract, frozen=True, kw_only=True):
    """What an order and a job have in common: who owes what, line by line, and what the source says it adds up to."""

    number: Name
    currency: Currency
    customer: Customer
    lines: Annotated[tuple[Line, ...], Meta(min_length=1, max_length=1000)]
    total: Amount
    taxes_included: bool
    total_tax: Amount | None = None
    exchange_rate: PositiveAmount | None = None
    due_date: date | None = None
    reference: ShortText | None = None
    purchase_order: ShortText | None = None
    shipping_address: Address | None = None


class OrderPlaced(SalesDocument, frozen=True, kw_only=True):
    """A customer placed an order. `order_id` is the shop's key, `number` what people call it, `total` includes tax."""

    order_id: Identifier
    placed_at: Instant
    channel: ShortText | None = None


class OrderUpdated(OrderPlaced, frozen=True, kw_only=True):
    """The whole order as it is now, not the difference. The envelope's `sequence` says which version it is."""


class OrderCancelled(Contract, frozen=True, kw_only=True):
    """The order will not be fulfilled or owed. `paid`: money had come for it, so its sale is booked all the same, and a
    person says what becomes of the rest."""

    order_id: Identifier
    cancelled_at: Instant
    currency: Currency | None = None
    reason: ShortText | None = None
    paid: bool = False
