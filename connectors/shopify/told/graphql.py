"""What a sweep found, read into the shapes of webhooks.

Only the names differ, and where the amounts stand: `shopMoney` is the shop's currency. Ids are addresses
(`gid://shopify/Order/1001`) whose last part is the id that webhooks tell. Source: Shopify's GraphQL Admin API reference
2026-10 (Order, Refund, OrderTransaction, Customer, ShopifyPaymentsDispute).
"""

import re
from decimal import Decimal
from typing import Final, Generic, TypeVar

import msgspec

from connectors.shopify.told import shapes
from schemas.codec import Refused, decoder, shorten
from schemas.events.fields import Amount, Currency, Instant
from schemas.money import EXACT, parse_decimal, to_text

T = TypeVar("T")

_GID: Final = re.compile(r"gid://shopify/\w+/([0-9]{1,19})(?:\?.*)?")


def identity(gid: str) -> int:
    """The id that webhooks tell; Refused for what is no address of Shopify's."""
    match = _GID.fullmatch(gid)
    if match is None:
        raise Refused("id", shorten(gid), "an id such as gid://shopify/Order/1001")
    return int(match[1])


class Node(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What all nodes have in common."""


class Amounts(Node, frozen=True, kw_only=True):
    """MoneyV2."""

    amount: Amount
    currency_code: Currency


class Bag(Node, frozen=True, kw_only=True):
    """MoneyBag, of which only the shop's money is asked."""

    shop_money: Amounts

    @property
    def amount(self) -> str:
        return self.shop_money.amount

    @property
    def money_set(self) -> shapes.MoneySet:
        return shapes.MoneySet(shop_money=shapes.Money(amount=self.amount))


class PageInfo(Node, frozen=True, kw_only=True):
    """Whether a list goes on."""

    has_next_page: bool = False


class Listed(Node, Generic[T], frozen=True, kw_only=True):
    """A connection. A part of a list is never taken for the whole."""

    nodes: tuple[T, ...]
    page_info: PageInfo = PageInfo()

    def whole(self, path: str) -> tuple[T, ...]:
        """All of it; Refused if there is more."""
        if self.page_info.has_next_page:
            raise Refused(path, f"more than {len(self.nodes)} of them", "as many as a sweep can read of one order")
        return self.nodes


class Tax(Node, frozen=True, kw_only=True):
    """TaxLine."""

    price_set: Bag
    rate: Decimal | None = None


class Allocated(Node, frozen=True, kw_only=True):
    """DiscountAllocation."""

    allocated_amount_set: Bag


class Named(Node, frozen=True, kw_only=True):
    """Anything of which only the id is asked."""

    id: str


class Line(Node, frozen=True, kw_only=True):
    """LineItem."""

    id: str
    quantity: shapes.Quantity
    original_unit_price_set: Bag
    name: str | None = None
    sku: str | None = None
    is_gift_card: bool = False
    product: Named | None = None
    discount_allocations: tuple[Allocated, ...] = ()
    tax_lines: tuple[Tax, ...] = ()


class Shipping(Node, frozen=True, kw_only=True):
    """ShippingLine."""

    original_price_set: Bag
    id: str | None = None
    title: str | None = None
    is_removed: bool = False
    discount_allocations: tuple[Allocated, ...] = ()
    tax_lines: tuple[Tax, ...] = ()


class Transaction(Node, frozen=True, kw_only=True):
    """OrderTransaction."""

    id: str
    kind: str
    status: str
    amount_set: Bag
    created_at: Instant
    gateway: str | None = None
    processed_at: Instant | None = None
    parent_transaction: Named | None = None
    payment_id: str | None = None
    test: bool = False


class RefundLine(Node, frozen=True, kw_only=True):
    """RefundLineItem."""

    quantity: shapes.Quantity
    line_item: Line
    subtotal_set: Bag
    total_tax_set: Bag


class RefundShipping(Node, frozen=True, kw_only=True):
    """RefundShippingLine."""

    shipping_line: Shipping
    subtotal_amount_set: Bag
    tax_amount_set: Bag


class Refund(Node, frozen=True, kw_only=True):
    """Refund."""

    id: str
    created_at: Instant
    refund_line_items: Listed[RefundLine]
    refund_shipping_lines: Listed[RefundShipping]
    transactions: Listed[Transaction]
    note: str | None = None


class Address(Node, frozen=True, kw_only=True):
    """MailingAddress."""

    name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    zip: str | None = None
    country_code_v2: str | None = msgspec.field(default=None, name="countryCodeV2")
    phone: str | None = None


class Email(Node, frozen=True, kw_only=True):
    """CustomerEmailAddress."""

    email_address: str


class Phone(Node, frozen=True, kw_only=True):
    """CustomerPhoneNumber."""

    phone_number: str


class Customer(Node, frozen=True, kw_only=True):
    """Customer."""

    id: str
    first_name: str | None = None
    last_name: str | None = None
    default_email_address: Email | None = None
    default_phone_number: Phone | None = None
    default_address: Address | None = None
    updated_at: Instant | None = None


class Order(Node, frozen=True, kw_only=True):
    """Order."""

    id: str
    name: str
    currency_code: Currency
    total_price_set: Bag
    taxes_included: bool
    created_at: Instant
    updated_at: Instant
    line_items: Listed[Line]
    shipping_lines: Listed[Shipping]
    refunds: tuple[Refund, ...]
    transactions: tuple[Transaction, ...]
    total_tax_set: Bag | None = None
    current_total_price_set: Bag | None = None
    total_outstanding_set: Bag | None = None
    total_tip_received_set: Bag | None = None
    processed_at: Instant | None = None
    cancelled_at: Instant | None = None
    cancel_reason: str | None = None
    display_financial_status: str | None = None
    test: bool = False
    email: str | None = None
    phone: str | None = None
    customer: Customer | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None
    source_name: str | None = None
    po_number: str | None = None


class Dispute(Node, frozen=True, kw_only=True):
    """ShopifyPaymentsDispute."""

    id: str
    type: str
    status: str
    amount: Amounts
    initiated_at: Instant
    order: Named | None = None
    finalized_on: str | None = None


class Summary(Node, frozen=True, kw_only=True):
    """ShopifyPaymentsPayoutSummary: what was kept of each kind of movement."""

    charges_fee: Amounts
    refunds_fee: Amounts
    adjustments_fee: Amounts
    reserved_funds_fee: Amounts
    retried_payouts_fee: Amounts

    @property
    def fees(self) -> str:
        """All of them."""
        total = parse_decimal("0")
        for name in self.__struct_fields__:
            total = EXACT.add(total, parse_decimal(getattr(self, name).amount))
        return to_text(total)


class Payout(Node, frozen=True, kw_only=True):
    """ShopifyPaymentsPayout."""

    id: str
    status: str
    issued_at: Instant
    net: Amounts
    summary: Summary | None = None


read_order = decoder(Order)
read_customer = decoder(Customer)
read_dispute = decoder(Dispute)
read_payout = decoder(Payout)
