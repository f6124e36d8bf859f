"""Refunds: the money that went back, with the lines that it is for where they come to it."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from connectors.shopify.told import lines, shapes
from connectors.shopify.told.facts import Fact, Told, money, total, utc, words
from schemas.events import RefundIssued
from schemas.events.fields import Line, LineKind, OrderRef
from schemas.money import EXACT, minor_digits, parse_decimal, to_text

_HUNDRED: Final = Decimal(100)
_NOT_THROUGH: Final = ("failure", "error")


def gives_money(refund: shapes.Refund) -> bool:
    """Whether it is about money at all: Shopify also calls a refund what is only taken off an order, or restocked."""
    return bool(_givings(refund))


def _givings(refund: shapes.Refund) -> list[shapes.Transaction]:
    return [one for one in refund.transactions if one.kind.lower() == "refund"]


def refund_told(refund: shapes.Refund, source: str, shop: str | None = None, tip: int | None = None) -> Told:
    """One refund for each gateway that gave money back; in words why none did. `shop` is the shop's currency and `tip`
    the order's line that is a tip, where the body says it."""
    givings = [one for one in _givings(refund) if one.status.lower() not in _NOT_THROUGH]
    if not givings:
        return "the refund gave no money back: what it took off an unpaid order, the order itself tells"
    if any(one.status.lower() != "success" for one in givings):
        return "the refund is not through: orders/updated or a sweep tells it when it is"
    if any(one.is_foreign(shop) for one in givings):
        return "the refund is told in the customer's currency: a sweep tells it in the shop's"
    gateways = list(dict.fromkeys(one.gateway for one in givings))
    facts = [
        _fact(refund, [one for one in givings if one.gateway == gateway], source, tip, is_only=len(gateways) == 1)
        for gateway in gateways
    ]
    return tuple(fact for fact in facts if fact is not None) or "the refund gave no money back: it is of nothing"


def _fact(
    refund: shapes.Refund, givings: Sequence[shapes.Transaction], source: str, tip: int | None, *, is_only: bool
) -> Fact | None:
    amount, first = total(one.amount for one in givings), givings[0]
    if not amount:
        return None
    back, included = _lines(refund, amount, first.currency, tip) if is_only else ((), True)
    # Each part of a refund to several gateways needs an id of its own.
    identifier = str(refund.id) if is_only else f"{refund.id}-{first.id}"
    data = RefundIssued(
        refund_id=identifier,
        gateway=first.gateway,
        amount=money(to_text(amount), first.currency),
        currency=first.currency,
        refunded_at=utc(refund.created_at, "created_at"),
        order=OrderRef(id=str(refund.order_id), source=source),
        payment_id=str(first.parent_id) if first.parent_id is not None and len(givings) == 1 else None,
        lines=back,
        taxes_included=included,
        reason=words(refund.note),
    )
    return Fact(f"refund:{identifier}", data.refunded_at, data, f"refund:{identifier}")


def _lines(refund: shapes.Refund, amount: Decimal, currency: str, tip: int | None) -> tuple[tuple[Line, ...], bool]:
    """The refunded lines, and whether they include tax; none where they do not come to the amount.

    A refund does not say whether its lines include tax, but only one of the two can come to what was given back, with
    the taxes that its lines have. Where neither does, the merchant gave more or less than the lines (an order
    adjustment), and the amount is spread over the invoice's lines.
    """
    items, ways = refund.refund_line_items, refund.refund_shipping_lines
    net = total(
        [
            *(one.subtotal_set.amount for one in items),
            *(one.subtotal_amount_set.amount for one in ways),
        ]
    )
    tax = total(
        [
            *(one.total_tax_set.amount for one in items),
            *(one.tax_amount_set.amount for one in ways),
        ]
    )
    back = (
        *(_item(one, currency, tip) for one in items if one.quantity),
        *(_shipping(one, currency) for one in ways),
    )
    for comes_to, included in ((net, True), (EXACT.add(net, tax), False)):
        if amount == comes_to and all(_fits(line, currency, included=included) for line in back):
            return back, included
    return (), True


def _fits(line: Line, currency: str, *, included: bool) -> bool:
    """Whether the line's tax, where its rate is known, is that of an amount with or without it, to a minor unit: who
    gives back the net of a price without tax gives less than the line, and not a price that includes it."""
    if line.tax_rate is None or line.tax_amount is None:
        return True
    rate = parse_decimal(line.tax_rate)
    whole = EXACT.add(_HUNDRED, rate) if included else _HUNDRED
    made = EXACT.divide(EXACT.multiply(line.amount, rate), whole)
    return abs(EXACT.subtract(made, parse_decimal(line.tax_amount))) <= Decimal(1).scaleb(-minor_digits(currency))


def _item(part: shapes.RefundLine, currency: str, tip: int | None) -> Line:
    item, tax = part.line_item, parse_decimal(part.total_tax_set.amount)
    whole = EXACT.multiply(parse_decimal(item.price), Decimal(part.quantity))
    discount = EXACT.subtract(whole, parse_decimal(part.subtotal_set.amount))
    kind: LineKind | None = "tip" if item.tip_payment_gateway or item.id == tip else None
    return lines.goods(item, currency, part.quantity, discount, tax, kind)


def _shipping(part: shapes.RefundShipping, currency: str) -> Line:
    tax = parse_decimal(part.tax_amount_set.amount)
    return lines.shipping(part.shipping_line, currency, part.subtotal_amount_set.amount, Decimal(0), tax)
