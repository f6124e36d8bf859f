"""Disputes: that the money went, and how it ended.

Every event of a dispute shows it whole. So each tells that it was opened once the money has gone, with the same
content, and an endpoint that lost the first learns it from the next. How it ended only `charge.dispute.closed` tells:
the dispute itself does not say when that was. Source: Stripe's API reference (Dispute), its page "How disputes work".
"""

from typing import Any, Final, Literal

from connectors.stripe.told.facts import Delivery, Fact, Told
from connectors.stripe.told.reading import currency_of, get, moment, money, named, positive, several, text, whole
from schemas.codec import Refused, shorten
from schemas.commands import Ignored
from schemas.events import DisputeClosed, DisputeOpened

_CLOSED: Final = "charge.dispute.closed"
_OUTCOMES: Final[dict[str, Literal["won", "lost", "withdrawn"]]] = {
    "won": "won",
    "lost": "lost",
    # Old API versions call so what the merchant gave back before it was decided.
    "charge_refunded": "withdrawn",
}


def dispute_told(delivery: Delivery) -> Told:
    """What is known of the dispute now: opened, closed, or both; Ignored while no money has gone."""
    dispute = delivery.thing
    withdrawn = [one for one in several(dispute, "balance_transactions") if whole(one, "amount") < 0]
    facts = [_opened(delivery, withdrawn)] if withdrawn else []
    status = get(dispute, "status")
    if delivery.type == _CLOSED and isinstance(status, str) and status in _OUTCOMES:
        facts.append(_ended(delivery, _OUTCOMES[status]))
    return tuple(facts) or Ignored(
        f"the dispute is {shorten(status)} and has taken no money: charge.dispute.funds_withdrawn tells it when it does"
    )


def _opened(delivery: Delivery, withdrawn: list[Any]) -> Fact:
    dispute, currency = delivery.thing, currency_of(delivery.thing)
    identifier = text(dispute, "id")
    # A fee in another currency than the dispute's own cannot be told here: the payout's fees have it.
    is_own = all(currency_of(one) == currency for one in withdrawn)
    data = DisputeOpened(
        dispute_id=identifier,
        payment_id=_payment(delivery),
        gateway=delivery.gateway,
        amount=positive(dispute, "amount", currency),
        currency=currency,
        opened_at=moment(dispute, "created"),
        fee=money(sum(whole(one, "fee") for one in withdrawn), currency, "balance_transactions.fee")
        if is_own
        else None,
    )
    return Fact(f"dispute:{identifier}", data, "opened")


def _ended(delivery: Delivery, outcome: Literal["won", "lost", "withdrawn"]) -> Fact:
    identifier = text(delivery.thing, "id")
    data = DisputeClosed(
        dispute_id=identifier,
        payment_id=_payment(delivery),
        gateway=delivery.gateway,
        outcome=outcome,
        closed_at=delivery.at,
    )
    return Fact(f"dispute:{identifier}", data, "closed")


def _payment(delivery: Delivery) -> str:
    """The payment by the id under which it was told."""
    payment = named(delivery.thing, "payment_intent") or named(delivery.thing, "charge")
    if payment is None:
        raise Refused("charge", shorten(get(delivery.thing, "charge")), "the charge that is disputed")
    return payment
