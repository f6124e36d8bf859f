"""What webhooks say, as Shopify's REST reference shows it: the fields that we read, and no others.

Amounts of orders and of refunds' lines are in the shop's currency, which is what is booked. A transaction's amount is
in the currency that was paid with (REST reference, Transaction, `in_shop_currency`). `connectors.shopify.told.graphql`
brings what a sweep found into the same shapes.
"""

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from schemas.events.fields import Amount, Currency, Instant

Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Quantity = Annotated[int, Meta(ge=0, le=10**9)]


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What all shapes have in common."""


class Money(Shape, frozen=True, kw_only=True):
    """An amount; where the currency stands with it, it has the one name or the other."""

    amount: Amount
    currency_code: Currency | None = None
    currency: Currency | None = None


class MoneySet(Shape, frozen=True, kw_only=True):
    """An amount in the shop's currency; the customer's is left out."""

    shop_money: Money

    @property
    def amount(self) -> str:
        return self.shop_money.amount


class Address(Shape, frozen=True, kw_only=True):
    """A postal address of an order or a customer."""

    name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    zip: str | None = None
    country_code: str | None = None
    phone: str | None = None


class Customer(Shape, frozen=True, kw_only=True):
    """A customer; `updated_at` is there where it is what is told."""

    id: Id
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    default_address: Address | None = None
    updated_at: Instant | None = None


class TaxLine(Shape, frozen=True, kw_only=True):
    """One tax of a line: `rate` is a share, 0.2 for 20 %."""

    price: Amount
    rate: Decimal | None = None


class Allocation(Shape, frozen=True, kw_only=True):
    """The part of a discount that a line has."""

    amount: Amount


class LineItem(Shape, frozen=True, kw_only=True):
    """One line: `price` is a unit's, before discounts; `quantity` counts what was refunded or removed later too. A
    webhook marks a tip by the gateway that took it, GraphQL does not."""

    id: Id
    price: Amount
    quantity: Quantity
    name: str | None = None
    title: str | None = None
    sku: str | None = None
    product_id: Id | None = None
    gift_card: bool = False
    tip_payment_gateway: str | None = None
    discount_allocations: tuple[Allocation, ...] = ()
    tax_lines: tuple[TaxLine, ...] = ()


class ShippingLine(Shape, frozen=True, kw_only=True):
    """One way of shipping, with its price before discounts."""

    id: Id | None = None
    price: Amount
    title: str | None = None
    is_removed: bool = False
    discount_allocations: tuple[Allocation, ...] = ()
    tax_lines: tuple[TaxLine, ...] = ()


class Transaction(Shape, frozen=True, kw_only=True):
    """Money that moved, or should have: `parent_id` is the one that a refund gives back."""

    id: Id
    kind: str
    status: str
    gateway: str
    amount: Amount
    currency: Currency
    created_at: Instant
    order_id: Id | None = None
    processed_at: Instant | None = None
    parent_id: Id | None = None
    payment_id: str | None = None
    test: bool = False
    total_unsettled_set: MoneySet | None = None

    def is_foreign(self, shop: str | None) -> bool:
        """Whether the amount is in another currency than the shop's, which is that of the order; without one the
        unsettled rest says which it is, if it is there."""
        if shop is None and self.total_unsettled_set is not None:
            rest = self.total_unsettled_set.shop_money
            shop = rest.currency or rest.currency_code
        return shop not in (None, self.currency)


class RefundLine(Shape, frozen=True, kw_only=True):
    """What was given back of a line; `subtotal_set` is after discounts."""

    quantity: Quantity
    line_item: LineItem
    subtotal_set: MoneySet
    total_tax_set: MoneySet


class RefundShipping(Shape, frozen=True, kw_only=True):
    """What was given back of a shipping line."""

    shipping_line: ShippingLine
    subtotal_amount_set: MoneySet
    tax_amount_set: MoneySet


class Refund(Shape, frozen=True, kw_only=True):
    """A refund: what came back, and the transactions that gave money back, if any."""

    id: Id
    order_id: Id
    created_at: Instant
    note: str | None = None
    refund_line_items: tuple[RefundLine, ...] = ()
    refund_shipping_lines: tuple[RefundShipping, ...] = ()
    transactions: tuple[Transaction, ...] = ()


class Order(Shape, frozen=True, kw_only=True):
    """An order as it is now. `total_price` counts what was refunded or removed later, `current_total_price` does not;
    `total_outstanding` is below zero while the shop owes the customer."""

    id: Id
    name: str
    currency: Currency
    total_price: Amount
    taxes_included: bool
    created_at: Instant
    updated_at: Instant
    line_items: tuple[LineItem, ...]
    total_tax: Amount | None = None
    current_total_price: Amount | None = None
    total_outstanding: Amount | None = None
    total_tip_received: Amount | None = None
    processed_at: Instant | None = None
    cancelled_at: Instant | None = None
    cancel_reason: str | None = None
    financial_status: str | None = None
    test: bool = False
    email: str | None = None
    phone: str | None = None
    customer: Customer | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None
    shipping_lines: tuple[ShippingLine, ...] = ()
    refunds: tuple[Refund, ...] = ()
    transactions: tuple[Transaction, ...] = ()
    source_name: str | None = None
    po_number: str | None = None


class Dispute(Shape, frozen=True, kw_only=True):
    """A customer's bank asks for money (`chargeback`), or only asks (`inquiry`). `finalized_on` is a date, with or
    without a time."""

    id: Id
    type: str
    status: str
    amount: Amount
    currency: Currency
    initiated_at: Instant
    order_id: Id | None = None
    finalized_on: str | None = None
