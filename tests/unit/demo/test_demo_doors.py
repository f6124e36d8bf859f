"""The demo's further doors, each at the real thing: the receiver, an outbox, Xero's sandbox."""

import datetime as dt
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from connectors.base import ApiConfig, Events, Normalised, Secret, SourceConfig
from connectors.fetching import Fetcher
from connectors.outbox.event import Rejected, event_of
from connectors.outbox.store import Outbox
from connectors.registry import CONNECTORS
from connectors.shopify.sweep import ShopifySweeper
from connectors.xero.sandbox import Sandbox
from schemas import raw
from streams.demo import DemoFailed, by_hand, company
from streams.demo.boutique import Boutique
from streams.demo.doors import COMPANY, SHOPIFY, XERO
from streams.demo.heard import Told
from streams.demo.home import Home
from streams.demo.processes import free_port
from streams.demo.shop_books import shop_books
from streams.demo.xero import Xero
from tests.contract.xero_sandbox.wire_client import wired
from tests.unit.demo.support import ShakyPublisher, prepared, receiver

DATE = dt.date(2026, 11, 23)
NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
PREFIXES = {(SHOPIFY, "invoice"): "SH-", (SHOPIFY, "credit_note"): "SH-CN-"}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return prepared(tmp_path)


def tells(found: Normalised) -> int:
    return len(found.envelopes) if isinstance(found, Events) else 1


async def test_the_shop_counts_as_many_events_as_its_webhooks_and_its_sweep_tell(home: Home) -> None:
    publisher = ShakyPublisher()
    boutique = Boutique(DATE, home.credentials[SHOPIFY].secret, home.shop_token)
    url = f"http://127.0.0.1:{free_port()}"
    config = SourceConfig(
        name=SHOPIFY, connector="shopify", secrets=(Secret("s"),), api=ApiConfig(url=url, token=Secret(home.shop_token))
    )
    async with receiver(home, publisher) as address, boutique.open(url), aiohttp.ClientSession() as session:
        await boutique.trade(f"{address}/v1/sources/{SHOPIFY}")
        sweeper = ShopifySweeper(config, Fetcher(session, url))
        cursor: str | None = None
        swept: list[raw.RawRecord] = []
        while True:
            page = await sweeper.page(cursor, NOW)
            swept += page.records
            cursor = page.cursor
            if not page.more:
                break
    heard = [raw.from_kafka(headers, value) for _, _, value, headers in publisher.records]
    normalise = CONNECTORS["shopify"].normalise
    # The broker did not acknowledge every one at first, and Shopify came again.
    assert boutique.webhooks == len(heard)
    assert boutique.accepted == sum(tells(normalise(record, config)) for record in heard)
    assert boutique.swept == sum(tells(normalise(record, config)) for record in swept)
    assert boutique.lost > 0
    assert boutique.untold == (1010, 1020)
    webhooks = {order for record in heard for order in orders_of(normalise(record, config))}
    everything = {order for record in swept for order in orders_of(normalise(record, config))}
    orders = {str(order.id) for order in boutique.shop.orders.values() if not order.test}
    assert orders - webhooks == {str(o.id) for o in boutique.shop.orders.values() if o.number in boutique.untold}
    assert everything == orders


def orders_of(found: Normalised) -> set[str]:
    told = found.envelopes if isinstance(found, Events) else ()
    return {event.subject.partition(":")[2] for event in told if event.subject and event.subject.startswith("order:")}


async def test_a_receiver_that_takes_nothing_is_told() -> None:
    boutique = Boutique(DATE, "secret", "token")
    async with boutique.open(f"http://127.0.0.1:{free_port()}"):
        with pytest.raises(DemoFailed, match=r"\d+ webhooks of the Shopify shop were not taken within 0.1 s"):
            await boutique.trade(f"http://127.0.0.1:{free_port()}/v1/sources/{SHOPIFY}", patience_s=0.1)
    assert (boutique.webhooks, boutique.accepted) == (0, 0)
    assert len(boutique.untold) == len(boutique.shop.orders)


async def test_the_shops_books_are_what_its_merchant_sees(home: Home) -> None:
    boutique = Boutique(DATE, home.credentials[SHOPIFY].secret, "token")
    async with receiver(home, ShakyPublisher()) as address, boutique.open(f"http://127.0.0.1:{free_port()}"):
        await boutique.trade(f"{address}/v1/sources/{SHOPIFY}")
    books = shop_books(boutique.shop, PREFIXES)
    sold = [order for order in boutique.shop.orders.values() if not order.test and not order.cancelled]
    assert len(sold) == len(boutique.shop.orders) - 2 == len(books.sales)
    assert books.total == sum((order.total for order in sold), Decimal(0))
    for order in sold:
        sale = books.sales[f"SH-{order.number}"]
        assert sum((net + tax for net, tax in sale.vat.values()), Decimal(0)) == order.total
        assert sum((tax for _, tax in sale.vat.values()), Decimal(0)) == order.tax
    received = sum((money.amount for money in books.payments.values()), Decimal(0))
    back = sum((money.amount for money in books.refunds.values()), Decimal(0))
    assert received - back == sum((order.received for order in sold), Decimal(0))
    assert {rate for sale in books.sales.values() for rate in sale.vat} == {"20", "untaxed"}
    assert len(books.refunds) >= 4
    assert len(books.contacts) == len(boutique.shop.customers)


async def test_what_the_company_committed_is_in_its_outbox_and_fits_the_contract(tmp_path: Path) -> None:
    database = tmp_path / "company.db"
    company.found(database)
    box = Outbox(f"sqlite:///{database}", "outbox")
    try:
        await box.install(NOW)
        told = company.work(database, DATE)
        rows = await box.waiting(100)
    finally:
        await box.close()
    assert [row.id for row in rows] == [event.id for event in told]
    assert not any(isinstance(event_of(row, COMPANY, NOW), Rejected) for row in rows)
    assert Counter(event.type for event in told) == {"OrderPlaced": 15, "OrderUpdated": 3, "OrderCancelled": 2}
    # The transaction that was rolled back left neither its order nor its event.
    assert "8008" not in {row.aggregateid for row in rows}


async def test_a_person_edits_one_invoice_and_pays_another_and_xero_says_so(home: Home) -> None:
    publisher = ShakyPublisher()
    async with receiver(home, publisher) as address, wired(Sandbox()) as wire:
        xero = Xero(wire.session, f"{wire.address.base_url}/_sandbox", wire.tenant)
        with pytest.raises(DemoFailed, match="does not enable its webhook"):
            await xero.listen(f"{address}/v1/sources/{XERO}", "another key")
        before = len(publisher.records)
        await xero.listen(f"{address}/v1/sources/{XERO}", home.credentials[XERO].secret)
        await wire.call("PUT", "/Invoices", {"Invoices": [invoice(by_hand.EDITED), invoice(by_hand.PAID)]})
        done = await by_hand.work(xero)
        await wire.admin("POST", "/webhooks/deliver")
        rows = {row["number"]: row for row in (await xero.books())["invoices"]}
        assert done.due == ("2026-12-07", "2026-12-21")
        assert rows[by_hand.EDITED]["due_date"] == "2026-12-21"
        assert (rows[by_hand.PAID]["status"], rows[by_hand.PAID]["amount_paid"]) == ("PAID", "12.00")
        [payment] = (await xero.books())["payments"]
        assert payment["reference"].startswith(f"{done.payment.id} ")
        assert done.payment.amount == Decimal("12.00")
        assert await xero.told() == len(publisher.records) - before
        calls = await xero.calls()
        assert (calls.total, calls.reads) == (1, 0)


def invoice(number: str) -> dict[str, Any]:
    line = {"Description": "Mug", "Quantity": 1, "UnitAmount": 10, "AccountCode": "200", "TaxType": "OUTPUT2"}
    return {
        "Type": "ACCREC", "InvoiceNumber": number, "Contact": {"Name": f"Buyer of {number}"}, "Date": "2026-11-23",
        "DueDate": "2026-12-07", "Status": "AUTHORISED", "LineItems": [line],
    }  # fmt: skip


async def test_the_events_of_both_are_waited_for() -> None:
    edited = change(by_hand.EDITED, "edited", "others")
    paid = change(by_hand.PAID, "paid", "others")
    answers = [[change(by_hand.EDITED, "created", "us")], [edited], [edited, paid, change("S1-1", "paid", "others")]]

    async def hear() -> list[Told]:
        return answers.pop(0)

    assert await by_hand.told(hear) == (edited, paid)
    assert by_hand.missing([edited, paid]) == []


async def test_what_is_not_told_is_named_after_a_while() -> None:
    async def hear() -> list[Told]:
        return [change(by_hand.PAID, "paid", "us")]

    found = await by_hand.told(hear, patience_s=0)
    assert by_hand.missing(found) == [f"{by_hand.EDITED} edited", f"{by_hand.PAID} paid"]


def change(number: str, what: str, by: str) -> Told:
    return Told("InvoiceStatusChanged", {"number": number, "changes": [what], "by": by, "fields": []})
