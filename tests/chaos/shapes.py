"""Events as they go over the wire, written from the documentation of the receiver and of Stripe; nothing of ours.

Amounts are whole pennies here and decimal texts on the wire.
"""

import datetime as dt
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final, NamedTuple

Document = Mapping[str, Any]

DAY: Final = dt.datetime(2026, 11, 24, 9, 0, tzinfo=dt.UTC)


class Line(NamedTuple):
    """One line of an order. `rate` is the percentage of tax; `discount` is money off the whole line."""

    unit: int
    quantity: int
    rate: str
    discount: int = 0
    kind: str = "goods"

    @property
    def amount(self) -> int:
        return self.unit * self.quantity - self.discount


class Order(NamedTuple):
    """An order or job as its source knows it at one moment."""

    source: str
    id: str
    currency: str
    customer: Document
    lines: tuple[Line, ...]
    included: bool
    reference: str | None = None

    @property
    def is_job(self) -> bool:
        return self.source.startswith("jobs")

    @property
    def total(self) -> int:
        """With tax, which is rounded line by line."""
        net_or_gross = sum(line.amount for line in self.lines)
        return net_or_gross if self.included else net_or_gross + sum(map(_tax, self.lines))


def _tax(line: Line) -> int:
    return half_up(line.amount * Fraction(line.rate) / 100)


def half_up(amount: Fraction) -> int:
    """Whole pennies; a half goes away from zero."""
    return int(abs(amount) + Fraction(1, 2)) * (1 if amount >= 0 else -1)


def money(pennies: int) -> str:
    """12.50"""
    return f"{pennies // 100}.{pennies % 100:02d}"


def moment(minute: int) -> dt.datetime:
    """A minute of the day of business."""
    return DAY + dt.timedelta(minutes=minute)


def event(name: str, source: str, id: str, data: Document, minute: int, sequence: int | None = None) -> Document:
    """A CloudEvent in structured form."""
    document: dict[str, Any] = {
        "specversion": "1.0",
        "id": id,
        "source": source,
        "type": f"com.ledgerstream.{name}.v1",
        "time": moment(minute).isoformat(),
        "data": data,
    }
    return document if sequence is None else document | {"sequence": str(sequence)}


def sale(order: Order, id: str, version: int, minute: int) -> Document:
    """OrderPlaced for the first version, OrderUpdated for later ones, JobCompleted for jobs."""
    data: dict[str, Any] = {
        "number": order.id,
        "currency": order.currency,
        "customer": order.customer,
        "lines": [_line(at, line) for at, line in enumerate(order.lines, 1)],
        "total": money(order.total),
        "taxes_included": order.included,
    }
    if order.reference:
        data["reference"] = order.reference
    if order.is_job:
        when = {"job_id": order.id, "completed_at": moment(minute).isoformat()}
        return event("JobCompleted", order.source, id, data | when, minute, version)
    when = {"order_id": order.id, "placed_at": moment(minute).isoformat()}
    name = "OrderPlaced" if version == 1 else "OrderUpdated"
    return event(name, order.source, id, data | when, minute, version)


def _line(at: int, line: Line) -> Document:
    shown = {
        "id": str(at),
        "description": f"{line.kind} {at}",
        "quantity": str(line.quantity),
        "unit_amount": money(line.unit),
        "tax_rate": line.rate,
        "kind": line.kind,
    }
    return shown | {"discount_amount": money(line.discount)} if line.discount else shown


def cancellation(order: Order, id: str, version: int, minute: int) -> Document:
    """OrderCancelled."""
    data = {"order_id": order.id, "cancelled_at": moment(minute).isoformat()}
    return event("OrderCancelled", order.source, id, data, minute, version)


def payment(order: Order, source: str, gateway: str, payment_id: str, pennies: int, minute: int) -> Document:
    """PaymentReceived, as the shop or its gateway tells it."""
    data = {
        "payment_id": payment_id,
        "gateway": gateway,
        "amount": money(pennies),
        "currency": order.currency,
        "received_at": moment(minute).isoformat(),
        "order": _reference(order),
    }
    return event("PaymentReceived", source, f"paid-{payment_id}", data, minute)


def reversal(source: str, gateway: str, payment_id: str, minute: int) -> Document:
    """PaymentFailed of a payment that had been received."""
    failed_at = moment(minute).isoformat()
    data = {"payment_id": payment_id, "gateway": gateway, "failed_at": failed_at, "kind": "reversed"}
    return event("PaymentFailed", source, f"failed-{payment_id}", data, minute)


def refund(order: Order, source: str, gateway: str, refund_id: str, pennies: int, minute: int) -> Document:
    """RefundIssued."""
    data = {
        "refund_id": refund_id,
        "gateway": gateway,
        "amount": money(pennies),
        "currency": order.currency,
        "refunded_at": moment(minute).isoformat(),
        "order": _reference(order),
    }
    return event("RefundIssued", source, f"refunded-{refund_id}", data, minute)


def _reference(order: Order) -> Document:
    return {"source": order.source, "id": order.id, "kind": "job" if order.is_job else "order"}


def contact(source: str, contact_id: str, version: int, minute: int) -> Document:
    """ContactUpdated; each version has a name and an address of its own."""
    person = {"name": f"Kim {contact_id} v{version}", "email": f"kim-{contact_id}-{version}@example.com"}
    data = {"contact_id": contact_id, "contact": person, "updated_at": moment(minute).isoformat()}
    return event("ContactUpdated", source, f"contact-{contact_id}-{version}", data, minute, version)


def stripe_payment(kind: str, payment: str, pennies: int, currency: str, order: str, minute: int) -> Document:
    """`payment_intent.succeeded` or `charge.succeeded`: Stripe tells one payment by both."""
    common = {"currency": currency.lower(), "livemode": True, "metadata": {"order_id": order}, "status": "succeeded"}
    if kind == "charge.succeeded":
        thing = {"id": f"ch_{payment}", "object": "charge", "amount": pennies, "payment_intent": payment}
    else:
        thing = {"id": payment, "object": "payment_intent", "amount": pennies, "amount_received": pennies}
    return _stripe(kind, f"evt_{kind}_{payment}", thing | common, minute)


def stripe_refund(refund: str, payment: str, pennies: int, currency: str, order: str | None, minute: int) -> Document:
    """`refund.created`; without `order` it names only the payment that it returns."""
    thing = {
        "id": refund,
        "object": "refund",
        "amount": pennies,
        "currency": currency.lower(),
        "created": int(moment(minute).timestamp()),
        "payment_intent": payment,
        "metadata": {"order_id": order} if order else {},
        "status": "succeeded",
    }
    return _stripe("refund.created", f"evt_{refund}", thing, minute)


def _stripe(kind: str, id: str, thing: Document, minute: int) -> Document:
    return {
        "id": id,
        "object": "event",
        "api_version": "2025-09-30.clover",
        "created": int(moment(minute).timestamp()),
        "livemode": True,
        "type": kind,
        "data": {"object": thing},
    }
