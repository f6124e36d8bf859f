"""Credit notes of Billing: what was credited, and the money that they gave back outside Stripe.

What Stripe gave back is a refund, which tells its money itself, and not what it was for. What only lowers a debt, or is
kept as the customer's balance, moves no money; no event tells such a credit, and the books lack it until a person books
it, with what the same note gave back outside Stripe. Source: Stripe's API reference (Credit Note).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from connectors.stripe.told.facts import Delivery, Fact, Told, letter
from connectors.stripe.told.lines import invoice_lines
from connectors.stripe.told.reading import currency_of, get, moment, money, named, positive, several, text, whole
from connectors.stripe.told.refunds import version
from schemas.commands import Ignored, RefusedEvent
from schemas.events import RefundIssued
from schemas.events.fields import Line, OrderRef
from schemas.money import EXACT, parse_decimal

# The gateway of money that did not go through Stripe: the organisation's file says which account that is.
OUT_OF_BAND: Final = "out_of_band"


def credit_note_told(delivery: Delivery) -> Told:
    """The refund of what was given back outside Stripe, or the lines of what Stripe gave back; Ignored where it does
    not show them, a letter where something was not given back."""
    note, currency = delivery.thing, currency_of(delivery.thing)
    outside = whole(note, "out_of_band_amount") if get(note, "out_of_band_amount") is not None else 0
    kept = whole(note, "amount") - outside - _refunded(note, outside)
    identifier = text(note, "id")
    if kept > 0:
        return _kept(note, identifier, f"{money(kept, currency, 'amount')} {currency}", outside)
    if outside:
        amount = positive(note, "out_of_band_amount", currency)
        lines, is_included = _lines(note, currency, amount)
        return (_refund(delivery, identifier, OUT_OF_BAND, amount, lines, is_included=is_included),)
    refund, amount = _only_refund(note), positive(note, "amount", currency)
    lines, is_included = _lines(note, currency, amount)
    if kept or refund is None or not lines:
        return Ignored("what the credit note gave back is a refund, and refund.created tells it")
    return (_refund(delivery, refund, delivery.gateway, amount, lines, is_included=is_included, is_money=False),)


def _refund(
    delivery: Delivery,
    identifier: str,
    gateway: str,
    amount: str,
    lines: tuple[Line, ...],
    *,
    is_included: bool,
    is_money: bool = True,
) -> Fact:
    """What went back and what it was for; the latter alone without `is_money`, where the refund tells the money."""
    note, invoice = delivery.thing, named(delivery.thing, "invoice")
    data = RefundIssued(
        refund_id=identifier,
        gateway=gateway,
        amount=amount,
        currency=currency_of(note),
        refunded_at=moment(note, "created"),
        order=OrderRef(id=invoice, source=delivery.config.name) if invoice else None,
        lines=lines,
        taxes_included=is_included,
        reason=reason if isinstance(reason := get(note, "reason"), str) else None,
        lines_only=not is_money,
    )
    return Fact(f"refund:{identifier}", data, identifier, None if is_money else version(note, knows_lines=True))


def _lines(note: Mapping[str, Any], currency: str, amount: str) -> tuple[tuple[Line, ...], bool]:
    """The lines of the note, and whether they include tax; none where not all are shown, or they do not come to the
    amount. Then it is spread over the invoice's lines."""
    if not several(note, "lines.data") or get(note, "lines.has_more") is True:
        return (), True
    lines, is_included = invoice_lines(note, currency)
    comes_to = Decimal(0)
    for line in lines:
        tax = "0" if is_included else line.tax_amount or "0"
        comes_to = EXACT.add(comes_to, EXACT.add(line.amount, parse_decimal(tax)))
    return (lines, is_included) if comes_to == parse_decimal(amount) else ((), True)


def _only_refund(note: Mapping[str, Any]) -> str | None:
    """The refund that gave all of it back, if it is one."""
    listed = several(note, "refunds")
    if listed:
        return named(listed[0], "refund") if len(listed) == 1 else None
    return named(note, "refund")


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
