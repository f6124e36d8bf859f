"""Orders: what was sold, as the invoice has to say it.

The invoice stands for the sale, and a refund that gave money back is a credit note of its own. So the lines count what
was refunded later, as Shopify's `quantity` and `total_price` do; only what was taken off an order that nobody had paid
for yet is left out, because no money will ever tell of it.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from connectors.shopify.told import lines, people, shapes
from connectors.shopify.told.facts import Fact, Told, money, total, utc, version, words
from connectors.shopify.told.refunds import gives_money
from schemas.events import OrderCancelled, OrderPlaced, OrderUpdated
from schemas.events.fields import Line, LineKind
from schemas.money import EXACT, parse_decimal, to_text

# Nothing came, or what was held was let go (REST reference, Order, `financial_status`).
_UNPAID: Final = ("pending", "authorized", "expired", "voided")
_ABROAD: Final = (
    "what was paid for the order is not known, because a refund of it is told in the customer's currency: a sweep "
    "tells the order"
)


def order_told(order: shapes.Order, kind: type[OrderPlaced] = OrderUpdated) -> Told:
    """The order as it is now, and cancelled is what its body says to be, whatever the topic; in words why this body
    does not say enough of it.

    What was paid for is a sale, and stays one when the order is cancelled: what goes back of it is a credit note. Where
    a part was paid, the sale is told as the version before its cancellation, so that the money has its invoice.
    """
    is_cancelled, gone = order.cancelled_at is not None, _without_money(order)
    paid = _paid(order) if gone or is_cancelled else Decimal(0)
    if is_cancelled and (paid == 0 or (order.financial_status or "").lower() in _UNPAID):
        return (_fact(order, _cancelled(order, is_paid=False)),)
    if paid is None:
        return _ABROAD
    sale = _sale(order, kind, _taken_off(order, gone, paid))
    if is_cancelled and paid < parse_decimal(sale.total):
        return _fact(order, sale, before=1), _fact(order, _cancelled(order, is_paid=True))
    return (_fact(order, sale),)


def _fact(order: shapes.Order, data: OrderPlaced | OrderCancelled, before: int = 0) -> Fact:
    changed = version(order.updated_at, "updated_at") - before
    part = "cancelled" if isinstance(data, OrderCancelled) else "order"
    return Fact(f"order:{order.id}", utc(order.updated_at, "updated_at"), data, part, changed)


def _cancelled(order: shapes.Order, *, is_paid: bool) -> OrderCancelled:
    return OrderCancelled(
        order_id=str(order.id),
        cancelled_at=utc(order.cancelled_at or order.updated_at, "cancelled_at"),
        currency=order.currency,
        reason=words((order.cancel_reason or "").lower()),
        paid=is_paid,
    )


def _sale(order: shapes.Order, kind: type[OrderPlaced], gone: Sequence[shapes.RefundLine]) -> OrderPlaced:
    tax = None
    if order.total_tax is not None:
        left = EXACT.subtract(parse_decimal(order.total_tax), total(part.total_tax_set.amount for part in gone))
        tax = money(to_text(left), order.currency)
    price = EXACT.subtract(parse_decimal(order.total_price), _worth(order, gone))
    return kind(
        order_id=str(order.id),
        number=order.name.strip().removeprefix("#"),
        currency=order.currency,
        customer=people.buyer(order),
        lines=_lines(order, gone),
        total=money(to_text(price), order.currency),
        taxes_included=order.taxes_included,
        total_tax=tax,
        purchase_order=words(order.po_number),
        shipping_address=people.address(order.shipping_address),
        placed_at=utc(order.processed_at or order.created_at, "processed_at"),
        channel=words(order.source_name),
    )


def _without_money(order: shapes.Order) -> tuple[shapes.RefundLine, ...]:
    """What left the order without money going back: Shopify tells the edit of an order that removes something, and a
    restock, as a refund without a transaction."""
    return tuple(line for refund in order.refunds if not gives_money(refund) for line in refund.refund_line_items)


def _taken_off(order: shapes.Order, gone: Sequence[shapes.RefundLine], paid: Decimal) -> Sequence[shapes.RefundLine]:
    """What left the order without money, if the customer has not paid for more than what is left.

    Where it was paid for, the money that is owed comes as a refund later, and is a credit note then.
    """
    return gone if paid <= EXACT.subtract(parse_decimal(order.total_price), _worth(order, gone)) else ()


def _paid(order: shapes.Order) -> Decimal | None:
    """What came from the customer in all, whatever went back of it; None where that is told in another currency."""
    back = [one for refund in order.refunds for one in refund.transactions if one.status.lower() == "success"]
    if any(one.is_foreign(order.currency) for one in back):
        return None
    current = parse_decimal(order.current_total_price or order.total_price)
    open_ = current if order.total_outstanding is None else parse_decimal(order.total_outstanding)
    return EXACT.add(EXACT.subtract(current, open_), total(one.amount for one in back))


def _worth(order: shapes.Order, gone: Sequence[shapes.RefundLine]) -> Decimal:
    """What these lines are in the order's total."""
    net = total(part.subtotal_set.amount for part in gone)
    tax = total(part.total_tax_set.amount for part in gone)
    return net if order.taxes_included else EXACT.add(net, tax)


def _lines(order: shapes.Order, gone: Sequence[shapes.RefundLine]) -> tuple[Line, ...]:
    tip = tip_of(order)
    items = [
        _item(
            item,
            order.currency,
            [part for part in gone if part.line_item.id == item.id],
            "tip" if item.id == tip else None,
        )
        for item in order.line_items
    ]
    # An order of which everything was taken off still has to say something.
    kept = [line for line in items if line.quantity != "0"] or items
    return (*kept, *(_shipping(line, order.currency) for line in order.shipping_lines if not line.is_removed))


def _item(item: shapes.LineItem, currency: str, gone: Sequence[shapes.RefundLine], kind: LineKind | None) -> Line:
    quantity = item.quantity
    discount = total(one.amount for one in item.discount_allocations)
    tax = total(line.price for line in item.tax_lines)
    for part in gone:
        # What is left has what is left of the discount and of the tax.
        quantity -= part.quantity
        price = EXACT.multiply(parse_decimal(item.price), Decimal(part.quantity))
        discount = EXACT.subtract(discount, EXACT.subtract(price, parse_decimal(part.subtotal_set.amount)))
        tax = EXACT.subtract(tax, parse_decimal(part.total_tax_set.amount))
    return lines.goods(item, currency, quantity, discount, tax, kind)


def _shipping(way: shapes.ShippingLine, currency: str) -> Line:
    discount = total(one.amount for one in way.discount_allocations)
    return lines.shipping(way, currency, way.price, discount, total(one.price for one in way.tax_lines))


def tip_of(order: shapes.Order) -> int | None:
    """The id of the line that is the tip: it is marked, or of no product, and as much as the order says to have of
    tips."""
    tips = parse_decimal(order.total_tip_received or "0")
    for item in order.line_items:
        whole = EXACT.multiply(parse_decimal(item.price), Decimal(item.quantity))
        if item.tip_payment_gateway or (tips and whole == tips and item.product_id is None and not item.gift_card):
            return item.id
    return None
