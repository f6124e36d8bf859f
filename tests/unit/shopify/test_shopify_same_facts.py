"""What a sweep of a shop finds is what its webhooks tell, field by field, and none of it in part; over HTTP."""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from connectors.shopify.normalise import normalise
from connectors.shopify.sandbox import Shop
from connectors.shopify.sandbox.books import Order
from schemas.commands import Ignored, RefusedEvent
from schemas.envelope import Envelope
from schemas.events import OrderUpdated, RefundIssued, decode_event
from tests.support.sandboxes import swept, told
from tests.unit.shopify.payloads import LIVE, raw
from tests.unit.shopify.running import Running, decided

MUGS = {"MUG-BLUE": 2, "TEA-250": 1}


def by_subject(events: list[Envelope]) -> dict[tuple[str, str], tuple[Any, ...]]:
    """What is known of each subject at the end: version, time, and content field by field. All states of a sale are
    one thing, its cancellation is another; a dispute's opening and its end are two."""
    return {
        (event.subject or "", "" if "OrderPlaced" in event.type or "OrderUpdated" in event.type else event.type): (
            event.sequence,
            event.time,
            {name: getattr(data, name) for name in data.__struct_fields__},
        )
        for event in events
        for data in (decode_event(event)[1],)
    }


def one_mug(order: Order) -> dict[int, int]:
    return {order.lines[0].id: 1}


def refunded(shop: Shop, **more: Any) -> None:
    order = shop.place(MUGS, discount=Decimal("4.00"), taxes_included=more.pop("taxes_included", True))
    shop.pay(order)
    shop.refund(order, one_mug(order), **more)


def refunded_with_its_tip(shop: Shop) -> None:
    order = shop.place(MUGS, tip=Decimal("3.00"))
    shop.pay(order)
    shop.refund(order, shipping=True)


def two_gateways(shop: Shop) -> None:
    order = shop.place({"POT-1L": 1}, shipping=None)
    shop.pay(order, amount=Decimal("20.00"), gateway="gift_card")
    shop.pay(order)
    shop.refund(order, gateways=("shopify_payments", "gift_card"))


def taken_off(shop: Shop) -> None:
    order = shop.place(MUGS, discount=Decimal("4.00"))
    shop.refund(order, one_mug(order), amount=Decimal(0))
    shop.edit(order, add={"BOOK-TEA": 1}, po_number="PO-1")
    shop.pay(order)


def taken_off_after_it_was_paid(shop: Shop) -> None:
    order = shop.place(MUGS)
    shop.pay(order)
    shop.refund(order, one_mug(order), amount=Decimal(0))
    shop.refund(order, {}, amount=Decimal("14.50"))


def cancelled(shop: Shop) -> None:
    order = shop.place(MUGS)
    shop.pay(order)
    shop.cancel(order)
    shop.refund(order, shipping=True)


def cancelled_in_part(shop: Shop) -> None:
    order = shop.place(MUGS)
    shop.pay(order, amount=Decimal("20.00"))
    shop.cancel(order)
    shop.refund(order, {}, amount=Decimal("20.00"))


def renamed(shop: Shop) -> None:
    shop.rename(shop.place(MUGS, person=3).customer, "boole@example.com")


STORIES: dict[str, Callable[[Shop], object]] = {
    "placed": lambda shop: shop.place(MUGS, discount=Decimal("4.00")),
    "tax on top": lambda shop: shop.place(MUGS, taxes_included=False),
    "gift card and tip": lambda shop: shop.pay(shop.place({"GIFT-50": 1, "MUG-SAND": 1}, tip=Decimal("3.00"))),
    "captured": lambda shop: shop.pay(shop.place(MUGS), kind="capture", gateway="paypal"),
    "refunded": refunded,
    "refunded with tax on top": lambda shop: refunded(shop, taxes_included=False),
    "refunded with shipping": lambda shop: refunded(shop, shipping=True, note="it broke"),
    "refunded for less": lambda shop: refunded(shop, amount=Decimal("9.99")),
    "refunded with its tip": refunded_with_its_tip,
    "two gateways": two_gateways,
    "taken off": taken_off,
    "taken off after it was paid": taken_off_after_it_was_paid,
    "cancelled": cancelled,
    "cancelled in part": cancelled_in_part,
    "decided": decided,
    "renamed": renamed,
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
async def test_a_sweep_tells_what_the_webhooks_told(shop: Running, story: Callable[[Shop], object]) -> None:
    story(shop.sandbox.shop)
    await shop.sandbox.deliveries.settled()
    heard = told(shop.ears.records(), shop.config())
    found = told((await swept(shop.sweeper()))[0], shop.config())
    assert by_subject(heard)
    # Payouts are told by the sweep alone; there is none here.
    assert by_subject(found) == by_subject(heard)


async def test_a_sweep_tells_what_no_webhook_told(shop: Running) -> None:
    shop.sandbox.deliveries.orders.lose = 1000
    refunded(shop.sandbox.shop)
    await shop.sandbox.deliveries.settled()
    assert shop.ears.heard == []
    subjects = {subject.partition(":")[0] for subject, _ in by_subject(told((await swept(shop.sweeper()))[0], LIVE))}
    assert subjects == {"order", "payment", "refund", "customer"}


async def test_what_was_paid_in_another_currency_is_told_in_the_shops(shop: Running) -> None:
    order = shop.sandbox.shop.place(MUGS, abroad=("EUR", Decimal("1.17")))
    shop.sandbox.shop.pay(order)
    shop.sandbox.shop.refund(order, one_mug(order))
    await shop.sandbox.deliveries.settled()
    heard = by_subject(told(shop.ears.records(), shop.config()))
    found = by_subject(told((await swept(shop.sweeper()))[0], shop.config()))
    assert {subject.partition(":")[0] for subject, _ in found.keys() - heard.keys()} == {"payment", "refund"}
    assert {key: found[key] for key in heard} == heard
    assert {content["currency"] for _, _, content in found.values() if "currency" in content} == {"GBP"}
    # 2 x 14.50, 8.95 and 4.95; of which a mug comes back.
    assert sorted(content["amount"] for _, _, content in found.values() if "amount" in content) == ["14.50", "42.90"]


async def test_a_tip_that_goes_back_is_a_tip_whoever_tells_it(shop: Running) -> None:
    """Or it would be taken from the revenue of goods, and the tips' account never come to nothing."""
    refunded_with_its_tip(shop.sandbox.shop)
    await shop.sandbox.deliveries.settled()
    for records in (shop.ears.records(), (await swept(shop.sweeper()))[0]):
        parts = [decode_event(event)[1] for event in told(records, shop.config())]
        kinds = {
            tuple(line.kind for line in one.lines) for one in parts if isinstance(one, OrderUpdated | RefundIssued)
        }
        assert kinds == {("goods", "goods", "tip", "shipping")}


@pytest.mark.parametrize("abroad", [None, ("EUR", Decimal("1.17"))])
async def test_what_was_taken_off_stays_away_whatever_currency_a_later_refund_has(
    shop: Running, abroad: tuple[str, Decimal] | None
) -> None:
    """A webhook tells a refund in the customer's currency; reckoned as the shop's, it would bring the mug back."""
    sold = shop.sandbox.shop
    order = sold.place({"MUG-BLUE": 3, "POT-1L": 1}, abroad=abroad)
    for happens in (
        lambda: sold.refund(order, one_mug(order), amount=Decimal(0)),
        lambda: sold.pay(order),
        lambda: sold.refund(order, one_mug(order)),
    ):
        shop.clock.advance(1)
        happens()
    await shop.sandbox.deliveries.settled()
    records = (await swept(shop.sweeper()))[0]
    orders = {
        (event.sequence, decode_event(event)[1].total)
        for event in told(shop.ears.records() + records, shop.config())
        if "Order" in event.type
    }
    totals = [total for _, total in sorted(orders)]
    # 3 x 14.50, 46.00 and 4.95; then without a mug. The refund that follows is a credit note.
    assert totals == ["94.45", "79.95", "79.95", "79.95"]


async def test_a_payment_that_was_pending_is_told_when_it_comes_through(shop: Running) -> None:
    order = shop.sandbox.shop.place(MUGS)
    payment = shop.sandbox.shop.pay(order, status="pending")
    await shop.sandbox.deliveries.settled()
    known = by_subject(told(shop.ears.records() + (await swept(shop.sweeper()))[0], shop.config()))
    assert not any(subject.startswith("payment:") for subject, _ in known)
    shop.clock.advance(30)
    shop.sandbox.shop.settle(order, payment.id)
    found = by_subject(told((await swept(shop.sweeper()))[0], shop.config()))
    assert (f"payment:{payment.id}", "com.ledgerstream.PaymentReceived.v1") in found


async def test_test_orders_are_swept_for_nobody(shop: Running) -> None:
    shop.sandbox.shop.pay(shop.sandbox.shop.place(MUGS, test=True))
    records = [record for record in (await swept(shop.sweeper()))[0] if record.swept == "orders"]
    assert told(records, shop.config()) == []
    assert len(told(records, replace(shop.config(), live=False))) == 2


async def test_a_payout_is_told_once_it_is_paid(shop: Running) -> None:
    shop.sandbox.shop.pay(shop.sandbox.shop.place({"POT-1L": 1}))
    payout = shop.sandbox.shop.pay_out("in_transit")
    records, _ = await swept(shop.sweeper())
    assert [normalise(one, LIVE) for one in records if one.swept == "payouts"] == [
        Ignored("the payout is in_transit: a sweep tells it once it is paid")
    ]
    assert [normalise(one, LIVE) for one in records if one.swept == "balance_transactions"] == [
        Ignored("what a payout is made of: no event of this release tells single fees")
    ]
    payout.status = "paid"
    records, _ = await swept(shop.sweeper())
    [paid] = told([one for one in records if one.swept == "payouts"], LIVE)
    _, data = decode_event(paid)
    # 46.00 and 4.95, less 1.5 % and 25 pence.
    assert (data.net, data.fees, data.currency, data.gateway) == ("49.94", "1.01", "GBP", "shopify_payments")
    assert (paid.id, paid.subject) == (f"sweep:payout:{payout.id}:paid", f"payout:{payout.id}")


async def test_everything_is_found_once_and_nothing_in_part(shop: Running) -> None:
    """More orders than a page has, one with more lines, refunds and transactions than are asked for at first."""
    large = shop.sandbox.shop.place({"MUG-BLUE": 9})
    for _ in range(60):
        shop.sandbox.shop.edit(large, add={"TEA-250": 1})
    for _ in range(4):
        shop.sandbox.shop.pay(large, amount=Decimal("20.00"))
    for _ in range(3):
        shop.sandbox.shop.refund(large, one_mug(large))
    smaller = [shop.sandbox.shop.place(MUGS, person=at) for at in range(4)]
    several = {line.id: 1 for line in large.lines[1:6]}
    shop.sandbox.shop.refund(large, several)
    shop.sandbox.api.bucket.restored_a_second = 1_000_000
    shop.sandbox.api.bucket.size = shop.sandbox.api.bucket.held = 1_000_000
    await shop.sandbox.deliveries.settled()
    records, _ = await swept(shop.sweeper())
    found = by_subject(told(records, shop.config()))
    heard = by_subject(told(shop.ears.records(), shop.config()))
    assert found == heard
    orders = [json.loads(record.body)["id"] for record in records if record.swept == "orders"]
    assert sorted(orders) == sorted(f"gid://shopify/Order/{one.id}" for one in (large, *smaller))
    assert shop.sandbox.api.throttled == 0


async def test_what_cannot_be_read_whole_is_a_letter(shop: Running) -> None:
    shop.sandbox.shop.place(MUGS)
    [order] = [one for one in (await swept(shop.sweeper()))[0] if one.swept == "orders"]
    node = json.loads(order.body)
    node["lineItems"]["pageInfo"] = {"hasNextPage": True}
    found = normalise(raw(node, {}, swept="orders"), LIVE)
    assert isinstance(found, RefusedEvent)
    assert (found.evidence.field, found.evidence.value) == ("lineItems", "more than 2 of them")


@pytest.mark.parametrize(
    ("swept_as", "document", "field"),
    [
        ("orders", {"id": "gid://shopify/Order/1"}, "$.name"),
        ("customers", {"id": "1"}, "id"),
        ("customers", {"id": "gid://shopify/Customer/1"}, "updated_at"),
        ("payouts", {}, "$.id"),
        ("products", {}, "ls_swept"),
    ],
)
def test_a_node_that_does_not_fit_is_a_letter(swept_as: str, document: Any, field: str) -> None:
    found = normalise(raw(document, {}, swept=swept_as), LIVE)
    assert isinstance(found, RefusedEvent)
    assert found.evidence.field == field
