"""A shop's day through sweep, rules, ledger and sender into the books: what was paid is there, whatever came of it."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from schemas.commands import CommandRecord
from schemas.envelope import Envelope
from streams import tenants
from streams.core.tenants import Tenants
from tests.integration.sender.world import World, world
from tests.support.rules import translated
from tests.support.sandboxes import swept, told
from tests.unit.shopify.running import Running, running
from tests.unit.shopify.test_shopify_booked import BOOKS, SOURCES


def records(events: Sequence[Envelope], books: Tenants) -> list[CommandRecord]:
    """What translate makes of the events."""
    return [translated(event, books, offset=offset) for offset, event in enumerate(events)]


def cancelled(shop: Running, paid: str | None, back: str) -> None:
    """An order of 50.95 is paid, wholly or in part, then cancelled, and something goes back; a second between each."""
    sold = shop.sandbox.shop
    order = sold.place({"POT-1L": 1})
    for happens in (
        lambda: sold.pay(order, amount=None if paid is None else Decimal(paid)),
        lambda: sold.cancel(order),
        lambda: sold.refund(order, {}, amount=Decimal(back)),
    ):
        shop.clock.advance(1)
        happens()


async def booked(folder: Path, w: World, paid: str | None, back: str, *, is_heard: bool) -> dict[str, Any]:
    """The books after that: by the webhooks, all taken in before anything is sent, or by a sweep alone."""
    (folder / "sources.yaml").write_text(SOURCES)
    (folder / "uk.yaml").write_text(BOOKS)
    async with running() as shop:
        cancelled(shop, paid, back)
        await shop.sandbox.deliveries.settled()
        raw = shop.ears.records() if is_heard else (await swept(shop.sweeper(), after_s=600))[0]
        await w.feed(records(told(raw, shop.config()), tenants.load(folder, {})))
    await w.until_quiet()
    assert w.letters() == []
    return w.books()


def shown(documents: Sequence[Any]) -> list[tuple[str, str]]:
    return [(one["total"], one["status"]) for one in documents]


@pytest.mark.parametrize("is_heard", [True, False])
async def test_an_order_that_was_paid_and_cancelled_is_in_the_books(tmp_path: Path, is_heard: bool) -> None:
    async with world(tmp_path) as w:
        books = await booked(tmp_path, w, None, "40.00", is_heard=is_heard)
        assert shown(books["invoices"]) == [("50.95", "PAID")]
        assert shown(books["credit_notes"]) == [("40.00", "PAID")]
        assert sorted(one["amount"] for one in books["payments"]) == ["40.00", "50.95"]
        assert w.questions() == []


@pytest.mark.parametrize("is_heard", [True, False])
async def test_what_is_still_open_of_an_order_that_was_paid_in_part_is_asked(tmp_path: Path, is_heard: bool) -> None:
    async with world(tmp_path) as w:
        books = await booked(tmp_path, w, "20.00", "20.00", is_heard=is_heard)
        assert shown(books["invoices"]) == [("50.95", "AUTHORISED")]
        assert sorted(one["amount"] for one in books["payments"]) == ["20.00", "20.00"]
        assert [one["kind"] for one in w.questions()] == ["cancelled_after_payment"]
