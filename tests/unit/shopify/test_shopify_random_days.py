"""Days of a shop, drawn at random: webhook and sweep tell the same, and the books come to what Shopify says is owed."""

import random
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest

from connectors.shopify.sandbox import Shop
from connectors.shopify.sandbox.books import Order
from connectors.shopify.sandbox.catalogue import PRODUCTS
from schemas.envelope import Envelope
from schemas.events import OrderCancelled, OrderUpdated, PaymentReceived, RefundIssued, decode_event
from tests.support.sandboxes import swept, told
from tests.unit.shopify.running import Running

NOTHING = Decimal(0)


def one_day(shop: Shop, draw: random.Random, moves_on: Any) -> None:
    """A few orders and what becomes of them, a second apart."""
    for _ in range(draw.randint(2, 5)):
        items = {sku: draw.randint(1, 4) for sku in draw.sample(sorted(PRODUCTS), draw.randint(1, 3))}
        order = shop.place(
            items,
            person=draw.randint(0, 3),
            discount=draw.choice([NOTHING, Decimal("1.37")]),
            shipping=draw.choice([None, Decimal("4.95")]),
            tip=draw.choice([NOTHING, Decimal("2.50")]),
            taxes_included=draw.random() < 0.7,
        )
        for step in range(draw.randint(0, 6)):
            moves_on(1)
            draw.choice([pays, gives_back, takes_off, adds])(shop, order, draw)
            if step == 4 and order.cancelled is None:
                shop.cancel(order)


def pays(shop: Shop, order: Order, draw: random.Random) -> None:
    """All that is left: who pays a part, and then takes more off than is left, is in deploy/docs/shopify.md."""
    if order.outstanding > 0:
        shop.pay(order, kind=draw.choice(["sale", "capture"]), gateway=draw.choice(["shopify_payments", "paypal"]))


def some(order: Order, draw: random.Random) -> dict[int, int]:
    left = [line for line in order.lines if order.left(line)]
    return {line.id: draw.randint(1, order.left(line)) for line in left[: draw.randint(1, 2)]}


def gives_back(shop: Shop, order: Order, draw: random.Random) -> None:
    if order.received > 0 and (wanted := some(order, draw)):
        amount = draw.choice([None, min(Decimal("1.00"), order.received)])
        shop.refund(order, wanted, amount=amount, status=draw.choice(["success", "success", "failure"]))


def takes_off(shop: Shop, order: Order, draw: random.Random) -> None:
    if order.received == 0 and order.outstanding > 0 and not any(refund.transactions for refund in order.refunds):
        shop.refund(order, some(order, draw), amount=NOTHING)


def adds(shop: Shop, order: Order, draw: random.Random) -> None:
    shop.edit(order, add={draw.choice(sorted(PRODUCTS)): 1}, po_number=f"PO-{draw.randint(1, 9)}")


def last_known(events: list[Envelope]) -> dict[str, Any]:
    """The content of the last version of each subject."""
    known: dict[str, tuple[int, Any]] = {}
    for event in events:
        version = int(event.sequence or 0)
        if event.subject and known.get(event.subject, (0, None))[0] <= version:
            data = decode_event(event)[1]
            known[event.subject] = (version, {name: getattr(data, name) for name in data.__struct_fields__})
    return {subject: data for subject, (_, data) in known.items()}


@pytest.mark.parametrize("seed", range(30))
async def test_a_day_comes_out_right(shop: Running, seed: int) -> None:
    bucket = shop.sandbox.api.bucket
    bucket.size = bucket.held = bucket.restored_a_second = 10**9
    one_day(shop.sandbox.shop, random.Random(seed), shop.clock.advance)
    await shop.sandbox.deliveries.settled()
    heard = told(shop.ears.records(), shop.config())
    found = told(
        [one for one in (await swept(shop.sweeper(), after_s=600))[0] if one.swept != "payouts"], shop.config()
    )
    assert last_known(found) == last_known(heard)
    came: dict[str, Decimal] = defaultdict(Decimal)
    sales: dict[str, OrderUpdated] = {}
    for event in found:
        _, data = decode_event(event)
        if isinstance(data, OrderUpdated):
            sales[data.order_id] = data
        if isinstance(data, PaymentReceived) and data.order:
            came[data.order.id] += Decimal(data.amount)
        if isinstance(data, RefundIssued):
            comes_to_its_amount(data)
        if isinstance(data, OrderCancelled):
            assert shop.sandbox.shop.orders[int(data.order_id)].cancelled
            assert data.paid is (data.order_id in sales)
    for order in shop.sandbox.shop.orders.values():
        # What money came for was sold, whether it was cancelled or not.
        assert str(order.id) in sales or (order.cancelled and not came[str(order.id)])
        if str(order.id) in sales:
            comes_to_its_total(sales[str(order.id)])
            if order.outstanding >= 0 and all(one.status == "success" for one in order.transactions):
                # A refund is a credit note with its payment, and leaves what is owed as it is.
                assert Decimal(sales[str(order.id)].total) - came[str(order.id)] == order.outstanding


def comes_to_its_total(sale: OrderUpdated) -> None:
    lines = sum(
        (Decimal(one.unit_amount) * Decimal(one.quantity) - Decimal(one.discount_amount or 0) for one in sale.lines),
        NOTHING,
    )
    tax = NOTHING if sale.taxes_included else Decimal(sale.total_tax or 0)
    assert lines + tax == Decimal(sale.total)


def comes_to_its_amount(refund: RefundIssued) -> None:
    if refund.lines:
        lines = sum(
            (
                Decimal(one.unit_amount) * Decimal(one.quantity) - Decimal(one.discount_amount or 0)
                for one in refund.lines
            ),
            NOTHING,
        )
        tax = sum((Decimal(one.tax_amount or 0) for one in refund.lines), NOTHING)
        assert lines + (NOTHING if refund.taxes_included else tax) == Decimal(refund.amount)
