"""Credit notes of Billing: booked here only as far as they gave money back outside Stripe.

What Stripe gave back is a refund, which tells itself. What only lowers a debt, or is kept as the customer's balance,
moves no money; no event tells such a credit, and the books lack it until a person books it. Source: Stripe's API
reference (Credit Note).
"""

from collections.abc import Mapping
from typing import Any, Final

from connectors.stripe.told.facts import Delivery, Fact, Told, letter
from connectors.stripe.told.reading import currency_of, get, moment, money, named, positive, several, text, whole
from schemas.commands import Ignored
from schemas.events import RefundIssued
from schemas.events.fields import OrderRef

# The gateway of money that did not go through Stripe: the organisation's file says which account that is.
OUT_OF_BAND: Final = "out_of_band"


def credit_note_told(delivery: Delivery) -> Told:
    """The refund of what was given back outside Stripe; Ignored where refunds tell it all, else a letter."""
    note, currency = delivery.thing, currency_of(delivery.thing)
    outside = whole(note, "out_of_band_amount") if get(note, "out_of_band_amount") is not None else 0
    kept = whole(note, "amount") - outside - _refunded(note, outside)
    identifier = text(note, "id")
    if kept > 0:
        return letter(
            f"The credit note {identifier} credits {money(kept, currency, 'amount')} {currency} without giving it "
            "back: it lowers what is owed, or the customer's balance keeps it.",
            "data.object.amount",
            str(whole(note, "amount")),
            f"Make a credit note of that amount in Xero for the invoice {named(note, 'invoice')}, then discard this "
            "letter with a reason.",
        )
    if not outside:
        return Ignored("what the credit note gave back is a refund, and refund.created tells it")
    invoice = named(note, "invoice")
    data = RefundIssued(
        refund_id=identifier,
        gateway=OUT_OF_BAND,
        amount=positive(note, "out_of_band_amount", currency),
        currency=currency,
        refunded_at=moment(note, "created"),
        order=OrderRef(id=invoice, source=delivery.config.name) if invoice else None,
        reason=reason if isinstance(reason := get(note, "reason"), str) else None,
    )
    return (Fact(f"refund:{identifier}", data, identifier),)


def _refunded(note: Mapping[str, Any], outside: int) -> int:
    """What Stripe gave back, in minor units. API versions before 2025-03-31 name one refund and not its amount."""
    listed = several(note, "refunds")
    if listed:
        return sum(whole(one, "amount_refunded") for one in listed)
    if named(note, "refund") is None or get(note, "customer_balance_transaction") is not None:
        return 0
    before_payment = whole(note, "pre_payment_amount") if get(note, "pre_payment_amount") is not None else 0
    return whole(note, "amount") - outside - before_payment
