"""Credit notes of Billing: booked here only as far as they gave money back outside Stripe.

What Stripe gave back is a refund, which tells itself. What only lowers a debt, or is kept as the customer's balance,
moves no money; no event tells such a credit, and the books lack it until a person books it, with what the same note
gave back outside Stripe. Source: Stripe's API
reference (Credit Note).
"""

from collections.abc import Mapping
from typing import Any, Final

from connectors.stripe.told.facts import Delivery, Fact, Told, letter
from connectors.stripe.told.reading import currency_of, get, moment, money, named, positive, several, text, whole
from schemas.commands import Ignored, RefusedEvent
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
        return _kept(note, identifier, f"{money(kept, currency, 'amount')} {currency}", outside)
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


def _kept(note: Mapping[str, Any], identifier: str, kept: str, outside: int) -> RefusedEvent:
    """What a person books, who is told of all of it: a delivery is events or a letter, and not both."""
    invoice, also, further = named(note, "invoice"), "", ""
    if outside:
        currency = currency_of(note)
        given = f"{money(outside, currency, 'out_of_band_amount')} {currency}"
        also = f" Another {given} were given back outside Stripe."
        further = f", and one of {given} with a refund from the account that the money left"
    return letter(
        f"The credit note {identifier} credits {kept} without giving it back: it lowers what is owed, or the "
        f"customer's balance keeps it.{also}",
        "data.object.amount",
        str(whole(note, "amount")),
        f"Make a credit note of {kept} in Xero for the invoice {invoice}{further}. Then discard this letter with a "
        "reason.",
    )


def _refunded(note: Mapping[str, Any], outside: int) -> int:
    """What Stripe gave back, in minor units. API versions before 2025-03-31 name one refund and not its amount."""
    listed = several(note, "refunds")
    if listed:
        return sum(whole(one, "amount_refunded") for one in listed)
    if named(note, "refund") is None or get(note, "customer_balance_transaction") is not None:
        return 0
    before_payment = whole(note, "pre_payment_amount") if get(note, "pre_payment_amount") is not None else 0
    return whole(note, "amount") - outside - before_payment
