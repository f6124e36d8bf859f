"""Payouts: once, with their fees where Stripe can itemise them.

An automatic payout can be itemised, and only the API does it: so where a source has an API, its sweep tells automatic
payouts, with their fees, and the webhook leaves them to it. Everything else is told by the webhook, without fees.
Source: Stripe's API reference (Payout, Balance Transaction) and its page "Payout reconciliation".
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from connectors.stripe.told.facts import Delivery, Fact, Told
from connectors.stripe.told.reading import currency_of, get, mapping, moment, money, named, several, text, whole
from schemas.codec import Refused, shorten
from schemas.commands import Ignored
from schemas.events import PayoutFailed, PayoutItem, PayoutPaid
from schemas.events.payments import ItemKind

# More than that one event does not hold: such a payout is told with its fees alone.
ITEMS_MAX: Final = 2000
# Balance transactions that are fees themselves; the others have a fee beside what they move.
_FEES: Final = ("stripe_fee", "stripe_fx_fee", "network_cost")
# The payout's own, and those whose fee DisputeOpened tells.
_PAYOUT: Final = "payout"
_ADJUSTMENT: Final = "adjustment"
_KINDS: Final[Mapping[str, ItemKind]] = {
    "charge": "payment",
    "payment": "payment",
    "refund": "refund",
    "payment_refund": "refund",
    "refund_failure": "refund_failure",
    "payment_failure_refund": "refund_failure",
    "payout_failure": "payout_failure",
    **dict.fromkeys(_FEES, "fee"),
}
# Ids of disputes begin like one of these.
_DISPUTES: Final = ("du_", "dp_")


def payout_told(delivery: Delivery) -> Told:
    """A payout that was paid; Ignored while it is not, or where the sweep tells it."""
    payout, status = delivery.thing, get(delivery.thing, "status")
    if status != "paid":
        return Ignored(f"the payout is {shorten(status)}: payout.paid tells it once it is paid")
    if get(payout, "automatic") is True and delivery.config.api is not None:
        return Ignored("the sweep tells this payout, with its fees")
    return (_paid(payout, delivery.gateway, None),)


def payout_failed(delivery: Delivery) -> Told:
    """A payout that came back, unless it is said that it was never paid: some are paid, and fail days later."""
    before = get(delivery.before, "status")
    if isinstance(before, str) and before != "paid":
        return Ignored("the payout failed before it was paid: no money moved")
    identifier, reason = text(delivery.thing, "id"), get(delivery.thing, "failure_code")
    data = PayoutFailed(
        payout_id=identifier,
        gateway=delivery.gateway,
        failed_at=delivery.at,
        reason=reason if isinstance(reason, str) else None,
    )
    return (Fact(f"payout:{identifier}", data, "failed"),)


def payout_swept(document: Any, gateway: str) -> tuple[Fact, dt.datetime]:
    """A payout that was paid, with its balance transactions as the sweep puts them together; and when."""
    payout = mapping(document, "payout")
    currency, fees, items = currency_of(payout), 0, list[PayoutItem]()
    for one in several(document, "balance_transactions"):
        if currency_of(one) != currency:
            raise Refused("balance_transactions.currency", shorten(get(one, "currency")), f"the payout's, {currency}")
        type_ = text(one, "type")
        if type_ in _FEES:
            fees -= whole(one, "amount")
        elif type_ not in (_PAYOUT, _ADJUSTMENT):
            fees += whole(one, "fee")
        # What was summed names nothing.
        if type_ != _PAYOUT and (identifier := named(one, "source")) is not None:
            items.append(_item(one, type_, identifier, currency))
    told = _paid(payout, gateway, money(fees, currency, "balance_transactions.fee"), tuple(items))
    return told, moment(payout, "arrival_date")


def movement(transaction: Mapping[str, Any]) -> Mapping[str, Any]:
    """What of a balance transaction, read with its source, an item is made of. A payment is told under its intent."""
    source = get(transaction, "source")
    payment = named(source, "payment_intent") if transaction.get("type") in ("charge", "payment") else None
    kept = {name: transaction.get(name) for name in ("type", "currency", "amount", "fee")}
    # What has no source of its own, as a fee may have none, is named itself.
    return kept | {"source": payment or named(transaction, "source") or transaction.get("id")}


def _item(transaction: Any, type_: str, identifier: str, currency: str) -> PayoutItem:
    amount = whole(transaction, "amount")
    kind = _KINDS.get(type_, "other")
    if type_ == _ADJUSTMENT:
        kind = "adjustment"
        if identifier.startswith(_DISPUTES):
            kind = "dispute" if amount < 0 else "dispute_reversal"
    return PayoutItem(
        kind=kind,
        id=identifier,
        amount=money(amount, currency, "balance_transactions.amount"),
        fee=money(whole(transaction, "fee"), currency, "balance_transactions.fee"),
        description=type_ if kind in ("fee", "adjustment", "other") else None,
    )


def _paid(payout: Mapping[str, Any], gateway: str, fees: str | None, items: tuple[PayoutItem, ...] = ()) -> Fact:
    identifier, currency = text(payout, "id"), currency_of(payout)
    data = PayoutPaid(
        payout_id=identifier,
        gateway=gateway,
        # Below zero where Stripe takes money from the bank account.
        net=money(whole(payout, "amount"), currency, "amount"),
        currency=currency,
        paid_at=moment(payout, "arrival_date"),
        fees=fees,
        items=items,
    )
    return Fact(f"payout:{identifier}", data, "payout")
