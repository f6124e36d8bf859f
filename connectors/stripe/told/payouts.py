"""Payouts: once, with their fees where Stripe can itemise them.

An automatic payout can be itemised, and only the API does it: so where a source has an API, its sweep tells automatic
payouts, with their fees, and the webhook leaves them to it. Everything else is told by the webhook, without fees.
Source: Stripe's API reference (Payout, Balance Transaction) and its page "Payout reconciliation".
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from connectors.stripe.told.facts import Delivery, Fact, Told, letter
from connectors.stripe.told.reading import currency_of, get, mapping, moment, money, several, text, whole
from schemas.codec import Refused, shorten
from schemas.commands import Ignored
from schemas.events import PayoutPaid

# Balance transactions that are fees themselves; the others have a fee beside what they move.
_FEES: Final = ("stripe_fee", "stripe_fx_fee", "network_cost")
# The payout's own, and those whose fee DisputeOpened tells.
_OTHERS: Final = ("payout", "adjustment")


def payout_told(delivery: Delivery) -> Told:
    """A payout that was paid; Ignored while it is not, or where the sweep tells it."""
    payout, status = delivery.thing, get(delivery.thing, "status")
    if status != "paid":
        return Ignored(f"the payout is {shorten(status)}: payout.paid tells it once it is paid")
    if get(payout, "automatic") is True and delivery.config.api is not None:
        return Ignored("the sweep tells this payout, with its fees")
    return (_paid(payout, delivery.gateway, None),)


def payout_failed(delivery: Delivery) -> Told:
    """A letter, unless it is said that the payout was never paid: some are paid, and fail days later."""
    before = get(delivery.before, "status")
    if isinstance(before, str) and before != "paid":
        return Ignored("the payout failed before it was paid: no money moved")
    identifier = text(delivery.thing, "id")
    return letter(
        f"The payout {identifier} failed: its money came back to Stripe after it may have been booked as paid.",
        "data.object.status",
        shorten(get(delivery.thing, "status")),
        f"If the transfer of {identifier} is in Xero, undo it there by hand; mend the bank account in Stripe, which "
        "pays out anew under another id; then discard this letter with a reason.",
    )


def payout_swept(document: Any, gateway: str) -> tuple[Fact, dt.datetime]:
    """A paid payout with the sums of its balance transactions by type, as the sweep puts them together; and when."""
    payout = mapping(document, "payout")
    currency, fees = currency_of(payout), 0
    for one in several(document, "balance_transactions"):
        if currency_of(one) != currency:
            raise Refused("balance_transactions.currency", shorten(get(one, "currency")), f"the payout's, {currency}")
        if text(one, "type") in _FEES:
            fees -= whole(one, "amount")
        elif text(one, "type") not in _OTHERS:
            fees += whole(one, "fee")
    return _paid(payout, gateway, money(fees, currency, "balance_transactions.fee")), moment(payout, "arrival_date")


def _paid(payout: Mapping[str, Any], gateway: str, fees: str | None) -> Fact:
    identifier, currency = text(payout, "id"), currency_of(payout)
    data = PayoutPaid(
        payout_id=identifier,
        gateway=gateway,
        # Below zero where Stripe takes money from the bank account.
        net=money(whole(payout, "amount"), currency, "amount"),
        currency=currency,
        paid_at=moment(payout, "arrival_date"),
        fees=fees,
    )
    return Fact(f"payout:{identifier}", data, "payout")
