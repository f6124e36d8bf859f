"""The kinds of field that several events share.

Unknown fields are ignored here and kept in the stored event. Amounts are text, because a JSON number has already
been a float somewhere.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from schemas.money import EXACT, parse_decimal

# Python's `$` also matches before a last line break, JSON Schema's does not: "1001\n" would be an order of its own.
_END = r"$(?!\n)"

Amount = Annotated[str, Meta(pattern=r"^-?[0-9]{1,15}(\.[0-9]{1,6})?" + _END, examples=["12.50"])]
PositiveAmount = Annotated[
    str,
    Meta(pattern=r"^(?=.*[1-9])[0-9]{1,15}(\.[0-9]{1,6})?" + _END, examples=["12.50"], description="more than zero"),
]
Percentage = Annotated[str, Meta(pattern=r"^[0-9]{1,3}(\.[0-9]{1,6})?" + _END, examples=["20"])]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}" + _END, examples=["GBP"], description="ISO 4217, in capitals")]
Country = Annotated[
    str, Meta(pattern=r"^[A-Z]{2}" + _END, examples=["GB"], description="ISO 3166-1 alpha-2, in capitals")
]
Identifier = Annotated[
    str,
    Meta(min_length=1, max_length=255, pattern=r"^[^\x00-\x20\x7f]([^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?" + _END),
]
Instant = Annotated[datetime, Meta(tz=True)]
Name = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"\S")]
ShortText = Annotated[str, Meta(max_length=255)]
Description = Annotated[str, Meta(min_length=1, max_length=4000, pattern=r"\S")]

LineKind = Literal["goods", "service", "shipping", "discount", "tip", "gift_card", "deposit", "other"]


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """What all contract structs have in common."""


class Address(Contract, frozen=True, kw_only=True):
    """A postal address; every part may be missing."""

    line1: ShortText | None = None
    line2: ShortText | None = None
    city: ShortText | None = None
    region: ShortText | None = None
    postal_code: Annotated[str, Meta(max_length=50)] | None = None
    country: Country | None = None


class Customer(Contract, frozen=True, kw_only=True):
    """Who bought. Without `id` it is a guest, and the tenant's contact policy decides which contact stands for it."""

    name: Name
    id: Identifier | None = None
    email: ShortText | None = None
    phone: Annotated[str, Meta(max_length=50)] | None = None
    tax_number: Annotated[str, Meta(max_length=50)] | None = None
    address: Address | None = None


class Line(Contract, frozen=True, kw_only=True):
    """One line. `unit_amount` and `discount_amount` include tax exactly if the document says `taxes_included`.

    `discount_amount` is the money off the whole line, not off each unit.
    """

    id: Identifier
    description: Description
    unit_amount: Amount
    quantity: Amount = "1"
    discount_amount: Amount | None = None
    tax_rate: Percentage | None = None
    tax_amount: Amount | None = None
    tax_code: ShortText | None = None
    kind: LineKind = "goods"
    sku: ShortText | None = None

    @property
    def amount(self) -> Decimal:
        """What the line comes to, with tax or without as its unit amount is, to the last digit."""
        gross = EXACT.multiply(parse_decimal(self.unit_amount), parse_decimal(self.quantity))
        return EXACT.subtract(gross, parse_decimal(self.discount_amount or "0"))


class OrderRef(Contract, frozen=True, kw_only=True):
    """Which order or job a payment or refund belongs to."""

    id: Identifier
    source: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}" + _END, examples=["shop-1"])]
    kind: Literal["order", "job"] = "order"
