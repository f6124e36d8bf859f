"""Refunds: by events of their own, and in old API versions by their charge."""

from typing import Any, Final

from connectors.stripe.told.facts import Delivery, Fact, Told, letter, order_of
from connectors.stripe.told.reading import currency_of, get, moment, named, positive, text, whole
from schemas.codec import shorten
from schemas.commands import Ignored
from schemas.events import RefundFailed, RefundIssued

_MONEY_WENT_BACK: Final = ("succeeded", "pending")


def refund_told(delivery: Delivery) -> Told:
    """A refund that was made, changed or failed."""
    refund = delivery.thing
    status = get(refund, "status")
    if status in _MONEY_WENT_BACK:
        return (_refund(refund, delivery),)
    if _came_undone(delivery, status):
        return (_failed(refund, delivery),)
    return Ignored(f"the refund is {shorten(status)}: no money went back")


def charge_refunded(delivery: Delivery) -> Told:
    """The refunds that old API versions list in their charge; a letter for those that tell none."""
    refunds = get(delivery.thing, "refunds.data")
    if isinstance(refunds, list) and refunds:
        gone = [refund for refund in refunds if get(refund, "status") in _MONEY_WENT_BACK]
        return tuple(_refund(refund, delivery) for refund in gone) or Ignored("no refund of the charge came through")
    if delivery.tells_refunds:
        return Ignored("this API version leaves the refunds out here; refund.created tells them")
    return letter(
        "A charge was refunded, and API versions of Stripe before 2024-10-28 do not say by which refund.",
        "api_version",
        delivery.api_version or None,
        "In Stripe, set the webhook endpoint to API version 2024-10-28 or later with the event refund.created, "
        "for the next ones. Book this refund in Xero by hand, then discard this letter with a reason.",
    )


def version(thing: Any, *, knows_lines: bool) -> int:
    """Every event of a refund tells it alike. The credit note that it is of says more, and is made with it or after."""
    return 2 * whole(thing, "created") + knows_lines


def _came_undone(delivery: Delivery, status: Any) -> bool:
    if status == "canceled":
        return get(delivery.before, "status") in _MONEY_WENT_BACK
    # One failure is told by an update too, and must not be two letters.
    failure = "refund.failed" if delivery.tells_refunds else "charge.refund.updated"
    return status == "failed" and delivery.type == failure


def _failed(refund: Any, delivery: Delivery) -> Fact:
    identifier, reason = text(refund, "id"), get(refund, "failure_reason")
    data = RefundFailed(
        refund_id=identifier,
        gateway=delivery.gateway,
        failed_at=delivery.at,
        reason=reason if isinstance(reason, str) else None,
    )
    return Fact(f"refund:{identifier}", data, identifier)


def _refund(refund: Any, delivery: Delivery) -> Fact:
    identifier = text(refund, "id")
    currency = currency_of(refund)
    reason = get(refund, "reason")
    data = RefundIssued(
        refund_id=identifier,
        gateway=delivery.gateway,
        amount=positive(refund, "amount", currency),
        currency=currency,
        refunded_at=moment(refund, "created"),
        # Not the charge's order: refund.created does not know it, and one refund must have one content.
        order=order_of(refund, delivery.config),
        payment_id=named(refund, "payment_intent") or named(refund, "charge"),
        reason=reason if isinstance(reason, str) else None,
    )
    return Fact(f"refund:{identifier}", data, identifier, version(refund, knows_lines=False))
