"""Payments, disputes and payouts."""

import datetime as dt
from typing import Final, Literal

from connectors.shopify.told import graphql, shapes
from connectors.shopify.told.facts import Fact, Told, money, utc, words
from schemas.codec import Refused, shorten
from schemas.events import DisputeClosed, DisputeOpened, PaymentReceived, PayoutPaid
from schemas.events.fields import OrderRef
from schemas.money import parse_decimal

# The gateway whose disputes and payouts Shopify tells: its own.
SHOPIFY_PAYMENTS: Final = "shopify_payments"
_RECEIVED: Final = ("sale", "capture")
# How a dispute ends (REST reference, Dispute, `status`). Everything else is still open.
_OUTCOMES: Final[dict[str, Literal["won", "lost", "withdrawn"]]] = {
    "won": "won",
    "lost": "lost",
    "accepted": "lost",
    "charge_refunded": "withdrawn",
}


def payment_told(payment: shapes.Transaction, source: str, shop: str | None = None) -> Told:
    """A sale or a capture that succeeded; in words why another transaction is no payment. `shop` is the shop's
    currency, where the body says it."""
    kind, status = payment.kind.lower(), payment.status.lower()
    if kind == "refund":
        return "a refund's transaction: refunds/create tells it with what it is for"
    if kind not in _RECEIVED:
        return f"a transaction of kind {shorten(kind)} brings no money"
    if status != "success":
        return f"the payment is {shorten(status)}: no money moved; once it does, a sweep tells it"
    if not parse_decimal(payment.amount):
        return "the payment is of nothing"
    if payment.is_foreign(shop):
        return "the payment is told in the customer's currency: a sweep tells it in the shop's"
    if payment.order_id is None:
        raise Refused("order_id", "nothing", "the order that is paid")
    identifier = str(payment.id)
    data = PaymentReceived(
        payment_id=identifier,
        gateway=payment.gateway,
        amount=money(payment.amount, payment.currency),
        currency=payment.currency,
        received_at=utc(payment.processed_at or payment.created_at, "processed_at"),
        order=OrderRef(id=str(payment.order_id), source=source),
        reference=words(payment.payment_id) or identifier,
    )
    return (Fact(f"payment:{identifier}", data.received_at, data, f"payment:{identifier}"),)


def dispute_told(dispute: shapes.Dispute) -> Told:
    """A chargeback that was opened and, if it is decided, how it ended; in words that an inquiry moves nothing.

    Shopify names the order and not its payment, so `payment_id` is `order:` and the order's id.
    """
    if dispute.type.lower() != "chargeback":
        return f"a dispute of type {shorten(dispute.type)} takes no money back"
    identifier = str(dispute.id)
    payment = f"dispute:{identifier}" if dispute.order_id is None else f"order:{dispute.order_id}"
    opened = DisputeOpened(
        dispute_id=identifier,
        payment_id=payment,
        gateway=SHOPIFY_PAYMENTS,
        amount=money(dispute.amount, dispute.currency),
        currency=dispute.currency,
        opened_at=utc(dispute.initiated_at, "initiated_at"),
    )
    facts = [Fact(f"dispute:{identifier}", opened.opened_at, opened, "opened")]
    outcome = _OUTCOMES.get(dispute.status.lower())
    if outcome is not None:
        closed = DisputeClosed(
            dispute_id=identifier,
            payment_id=payment,
            gateway=SHOPIFY_PAYMENTS,
            outcome=outcome,
            closed_at=_day(dispute.finalized_on) or opened.opened_at,
        )
        facts.append(Fact(f"dispute:{identifier}", closed.closed_at, closed, "closed"))
    return tuple(facts)


def payout_told(payout: graphql.Payout) -> Told:
    """What Shopify Payments paid out to the bank; in words that it is not there yet, or failed."""
    if payout.status.lower() != "paid":
        return f"the payout is {shorten(payout.status.lower())}: a sweep tells it once it is paid"
    identifier, currency = str(graphql.identity(payout.id)), payout.net.currency_code
    data = PayoutPaid(
        payout_id=identifier,
        gateway=SHOPIFY_PAYMENTS,
        net=money(payout.net.amount, currency),
        currency=currency,
        paid_at=utc(payout.issued_at, "issuedAt"),
        fees=money(payout.summary.fees, currency) if payout.summary else None,
    )
    return (Fact(f"payout:{identifier}", data.paid_at, data, "payout"),)


def _day(text: str | None) -> dt.datetime | None:
    """A day, of a text that may have a time as well: a webhook has one, GraphQL has none."""
    if text is None:
        return None
    try:
        found = dt.datetime.combine(dt.date.fromisoformat(text[:10]), dt.time(), dt.UTC)
    except ValueError:
        raise Refused("finalized_on", shorten(text), "a date such as 2026-11-24") from None
    return utc(found, "finalized_on")
