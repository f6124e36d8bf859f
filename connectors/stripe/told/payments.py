"""Payments. One is told by its intent and by its charge, and both must come to the same event."""

from connectors.stripe.told.facts import Delivery, Fact, Told, order_of
from connectors.stripe.told.reading import currency_of, get, named, positive, text
from schemas.commands import Ignored
from schemas.events import PaymentFailed, PaymentReceived
from schemas.events.fields import OrderRef


def charge_paid(delivery: Delivery) -> Told:
    """A charge that was captured; of Billing, the intent tells it where the charge does not name the invoice."""
    charge = delivery.thing
    if get(charge, "captured") is False:
        return Ignored("the charge is authorised and not captured: no money moved")
    intent, order = named(charge, "payment_intent"), order_of(charge, delivery.config)
    if order is None and intent is not None and delivery.hides_invoices:
        return Ignored("the charge names no order: payment_intent.succeeded tells the payment, with its invoice if any")
    # Less may be captured than was authorised.
    field = "amount" if get(charge, "amount_captured") is None else "amount_captured"
    return _received(delivery, intent or text(charge, "id"), field, order)


def intent_succeeded(delivery: Delivery) -> Told:
    """An intent whose money is there."""
    order = order_of(delivery.thing, delivery.config)
    return _received(delivery, text(delivery.thing, "id"), "amount_received", order)


def payment_failed(delivery: Delivery) -> Told:
    """A payment that was declined."""
    payment = text(delivery.thing, "id")
    code = get(delivery.thing, "last_payment_error.code")
    data = PaymentFailed(
        payment_id=payment,
        gateway=delivery.gateway,
        failed_at=delivery.at,
        kind="declined",
        reason=code if isinstance(code, str) else None,
    )
    return (Fact(f"payment:{payment}", data, payment),)


def _received(delivery: Delivery, payment: str, amount_field: str, order: OrderRef | None) -> Told:
    currency = currency_of(delivery.thing)
    data = PaymentReceived(
        payment_id=payment,
        gateway=delivery.gateway,
        amount=positive(delivery.thing, amount_field, currency),
        currency=currency,
        received_at=delivery.at,
        order=order,
        reference=payment,
        # By the charge and by the intent, a moment apart, and neither says the other's.
        told_by_several=True,
    )
    return (Fact(f"payment:{payment}", data, payment),)
