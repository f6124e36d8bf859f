"""Disputes: that the money went, and how it ended.

Every event of a dispute shows it whole. So each tells that it was opened once the money has gone, with the same
content, and an endpoint that lost the first learns it from the next. That it was won each tells once the money is back,
which the dispute shows with its day; that it was lost only `charge.dispute.closed` tells, because the dispute itself
does not say when that was. Source: Stripe's API reference (Dispute), its page "How disputes work".
"""

from typing import Any, Final, Literal

from connectors.stripe.told.facts import Delivery, Fact, Told
from connectors.stripe.told.reading import currency_of, get, moment, money, named, positive, several, text, whole
from schemas.codec import Refused, shorten
from schemas.commands import Ignored
from schemas.events import DisputeClosed, DisputeOpened
from schemas.money import parse_decimal, to_text

_CLOSED: Final = "charge.dispute.closed"
# What takes nothing back. Old API versions call "charge_refunded" what the merchant gave back before it was decided.
_ENDED: Final[dict[str, Literal["lost", "withdrawn"]]] = {"lost": "lost", "charge_refunded": "withdrawn"}
_WON: Final = "won"


def dispute_told(delivery: Delivery) -> Told:
    """What is known of the dispute now: opened, closed, or both; Ignored while no money has gone."""
    dispute, status = delivery.thing, get(delivery.thing, "status")
    moved = several(dispute, "balance_transactions")
    withdrawn = [one for one in moved if whole(one, "amount") < 0]
    returned = [one for one in moved if whole(one, "amount") > 0]
    facts = [_opened(delivery, withdrawn)] if withdrawn else []
    if status == _WON and returned:
        facts.append(_won(delivery, returned))
    elif delivery.type == _CLOSED and isinstance(status, str) and status in _ENDED:
        facts.append(_ended(delivery, _ENDED[status]))
    return tuple(facts) or Ignored(
        f"the dispute is {shorten(status)} and has taken no money: charge.dispute.funds_withdrawn tells it when it does"
    )


def _opened(delivery: Delivery, withdrawn: list[Any]) -> Fact:
    dispute, currency = delivery.thing, currency_of(delivery.thing)
    identifier = text(dispute, "id")
    data = DisputeOpened(
        dispute_id=identifier,
        payment_id=_payment(delivery),
        gateway=delivery.gateway,
        amount=positive(dispute, "amount", currency),
        currency=currency,
        opened_at=moment(dispute, "created"),
        fee=_fee(withdrawn, currency),
    )
    return Fact(f"dispute:{identifier}", data, "opened")


def _won(delivery: Delivery, returned: list[Any]) -> Fact:
    dispute, currency = delivery.thing, currency_of(delivery.thing)
    fee = _fee(returned, currency)
    data = DisputeClosed(
        dispute_id=text(dispute, "id"),
        payment_id=_payment(delivery),
        gateway=delivery.gateway,
        outcome=_WON,
        closed_at=moment(returned[0], "created"),
        amount=positive(dispute, "amount", currency),
        currency=currency,
        # A fee that is given back is below zero among the fees.
        fee=None if fee is None else to_text(-parse_decimal(fee)),
    )
    return Fact(f"dispute:{data.dispute_id}", data, "closed")


def _fee(moved: list[Any], currency: str) -> str | None:
    """What these movements cost. A fee in another currency than the dispute's own cannot be told here: the payout's
    fees have it."""
    if any(currency_of(one) != currency for one in moved):
        return None
    return money(sum(whole(one, "fee") for one in moved), currency, "balance_transactions.fee")


def _ended(delivery: Delivery, outcome: Literal["lost", "withdrawn"]) -> Fact:
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
