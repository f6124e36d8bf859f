"""The lines of an invoice of Billing."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.stripe.told import taxes
from connectors.stripe.told.reading import get, money, several, text, whole, words
from connectors.stripe.told.taxes import Rates, Tax
from schemas.codec import Refused
from schemas.events.fields import Line

# What is read of a line: a sweep leaves out the rest, so that an invoice of many lines fits a record.
LINE_FIELDS: Final = (
    "id",
    "amount",
    "description",
    "discount_amounts",
    "pretax_credit_amounts",
    "quantity",
    "tax_amounts",
    "tax_rates",
    "taxes",
)


def invoice_lines(invoice: Mapping[str, Any], currency: str) -> tuple[tuple[Line, ...], bool]:
    """The lines, with shipping as the last; and whether they include tax."""
    listed = several(invoice, "lines.data")
    shipping = get(invoice, "shipping_cost")
    rates = Rates(invoice, listed)
    is_included = _is_included([tax for line in listed for tax in taxes.read(line) if tax.amount])
    lines = tuple(_line(line, currency, rates) for line in listed)
    if isinstance(shipping, Mapping) and whole(shipping, "amount_total"):
        lines = (*lines, _shipping(shipping, currency, rates, is_included=is_included))
    return lines, is_included


def _is_included(found: Sequence[Tax]) -> bool:
    behaviours = {tax.is_included for tax in found}
    if len(behaviours) > 1:
        raise Refused("lines.taxes", "inclusive and exclusive", "one of the two: an invoice in Xero has one for all")
    return behaviours == {True}


def _line(line: Any, currency: str, rates: Rates) -> Line:
    identifier, amount = text(line, "id"), whole(line, "amount")
    discount = sum(whole(one, "amount") for one in several(line, "discount_amounts")) + sum(
        # Credits that were granted come off before tax, as a discount does.
        whole(one, "amount")
        for one in several(line, "pretax_credit_amounts")
        if get(one, "type") == "credit_balance_transaction"
    )
    found = taxes.read(line)
    # Stripe's unit price may have more places than the currency, or steps; the line's amount is what is owed.
    quantity = get(line, "quantity")
    divides = isinstance(quantity, int) and not isinstance(quantity, bool) and 1 < quantity and not amount % quantity
    count = quantity if divides else 1
    return Line(
        id=identifier,
        description=words(line, "description", 4000) or f"Line {identifier}",
        unit_amount=money(amount // count, currency, "lines.amount"),
        quantity=str(count),
        discount_amount=money(discount, currency, "lines.discount_amounts") if discount else None,
        tax_rate=rates.of(found),
        tax_amount=money(sum(tax.amount for tax in found), currency, "lines.taxes") if found else None,
        tax_code=found[0].rate if len(found) == 1 else None,
        kind="service",
    )


def _shipping(cost: Mapping[str, Any], currency: str, rates: Rates, *, is_included: bool) -> Line:
    net, tax = whole(cost, "amount_subtotal"), whole(cost, "amount_tax")
    found = taxes.read_shipping(cost, is_included=is_included)
    return Line(
        id="shipping",
        description="Shipping",
        unit_amount=money(net + tax if is_included else net, currency, "shipping_cost.amount_subtotal"),
        tax_rate=rates.of(found),
        tax_amount=money(tax, currency, "shipping_cost.amount_tax") if tax else None,
        tax_code=found[0].rate if len(found) == 1 else None,
        kind="shipping",
    )
