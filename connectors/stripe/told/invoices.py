"""Invoices of Billing: each is an order of this source.

From its finalization on an invoice keeps its lines and amounts, so `invoice.finalized` and `invoice.paid` tell the same
order under the same version. That it was paid its payment tells, which names the invoice. Source: Stripe's API
reference (Invoice) and its page "Status transitions and finalization".
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from connectors.stripe.told.facts import Delivery, Fact, Told, letter
from connectors.stripe.told.lines import invoice_lines
from connectors.stripe.told.reading import currency_of, get, moment, money, named, several, text, whole, words
from schemas.codec import Refused
from schemas.commands import Ignored
from schemas.events import OrderCancelled, OrderPlaced
from schemas.events.fields import Address, Customer

_LINES_MAX: Final = 1000


def invoice_told(delivery: Delivery) -> Told:
    """The order; what a webhook does not show whole is left to the sweep, or is a letter where there is none."""
    invoice = delivery.thing
    if not whole(invoice, "total"):
        return Ignored("the invoice is of nothing: nobody owes anything")
    if get(invoice, "lines.has_more") is not True:
        return (placed(invoice),)
    if delivery.config.api is not None:
        return Ignored("the invoice has more lines than the webhook shows: the sweep tells it whole")
    return letter(
        f"The invoice {text(invoice, 'id')} has more lines than a webhook of Stripe shows.",
        "data.object.lines.has_more",
        "true",
        "Give the source an api in sources.yaml (deploy/docs/stripe.md): its sweep reads such invoices whole. Book "
        "this one in Xero by hand if the sweep does not bring it, then discard this letter with a reason.",
    )


def invoice_voided(delivery: Delivery) -> Told:
    """The order is not owed any more."""
    invoice = delivery.thing
    identifier, at = text(invoice, "id"), _at(invoice, "voided_at", delivery.at)
    data = OrderCancelled(order_id=identifier, cancelled_at=at, currency=currency_of(invoice), reason="voided")
    return (Fact(f"order:{identifier}", data, "order", _version(at, is_void=True)),)


def placed(invoice: Mapping[str, Any]) -> Fact:
    """The order that an invoice is, with all its lines."""
    identifier, currency = text(invoice, "id"), currency_of(invoice)
    listed = len(several(invoice, "lines.data"))
    if not 0 < listed <= _LINES_MAX:
        raise Refused("lines.data", f"{listed} lines", f"1 to {_LINES_MAX} lines")
    lines, is_included = invoice_lines(invoice, currency)
    at = _at(invoice, "finalized_at", moment(invoice, "created"))
    due = None if get(invoice, "due_date") is None else moment(invoice, "due_date").date()
    data = OrderPlaced(
        order_id=identifier,
        number=words(invoice, "number") or identifier,
        currency=currency,
        customer=_customer(invoice),
        lines=lines,
        total=money(whole(invoice, "total"), currency, "total"),
        taxes_included=is_included,
        due_date=due,
        placed_at=at,
    )
    return Fact(f"order:{identifier}", data, "order", _version(at, is_void=False))


def _at(invoice: Mapping[str, Any], transition: str, otherwise: dt.datetime) -> dt.datetime:
    path = f"status_transitions.{transition}"
    return otherwise if get(invoice, path) is None else moment(invoice, path)


def _version(at: dt.datetime, *, is_void: bool) -> int:
    """An invoice has no version but the times of its transitions, and may be voided in the second of the first."""
    return 2 * int(at.timestamp()) + is_void


def _customer(invoice: Mapping[str, Any]) -> Customer:
    identifier, email = named(invoice, "customer"), words(invoice, "customer_email")
    numbers = several(invoice, "customer_tax_ids")
    country = words(invoice, "customer_address.country")
    return Customer(
        name=words(invoice, "customer_name") or email or identifier or text(invoice, "customer_name"),
        id=identifier,
        email=email,
        phone=words(invoice, "customer_phone", 50),
        tax_number=words(numbers[0], "value", 50) if numbers else None,
        address=Address(
            line1=words(invoice, "customer_address.line1"),
            line2=words(invoice, "customer_address.line2"),
            city=words(invoice, "customer_address.city"),
            region=words(invoice, "customer_address.state"),
            postal_code=words(invoice, "customer_address.postal_code", 50),
            country=country.upper() if country and len(country) == 2 else None,
        )
        if isinstance(get(invoice, "customer_address"), Mapping)
        else None,
    )
