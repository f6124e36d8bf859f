"""The demo's accountant: what was accepted goes into the books of two organisations, and what is missing is named."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

from connectors.outbox.store import Outbox
from connectors.xero.sandbox import Sandbox
from streams.demo import company
from streams.demo.accountant import Accountant
from streams.demo.boutique import Boutique
from streams.demo.expected import Money
from streams.demo.producers import Log
from streams.demo.shop import day
from streams.demo.xero import Xero
from tests.contract.xero_sandbox.wire_client import wired
from tests.unit.demo.support import prepared

DATE = dt.date(2026, 11, 23)


async def test_each_organisation_must_hold_what_is_its_own_and_no_more(tmp_path: Path) -> None:
    business = day(7, DATE)
    boutique = Boutique(DATE, "secret", "token")
    order = boutique.shop.place({"MUG-BLUE": 1})
    boutique.shop.pay(order)
    async with wired(Sandbox()) as wire:
        british, irish = (
            Xero(wire.session, f"{wire.address.base_url}/_sandbox", one.tenant_id) for one in wire.sandbox.organisations
        )
        accountant = Accountant(
            home=prepared(tmp_path),
            day=business,
            log=Log([*business.events, *business.irish]),
            boutique=boutique,
            xero=british,
            irish=irish,
        )
        wanted = accountant.wanted(mended=True)
        accountant.by_hand.append(Money("BACS-1", "S1E-1302", Decimal("89.00")))
        paid = accountant.wanted(mended=True)
        findings = await accountant.compare(paid)
    assert set(wanted.irish.sales) == {"S1E-1301", "S1E-1302"}
    assert not any(number.startswith("S1E-") for number in wanted.british.sales)
    assert wanted.british.sales[f"SH-{order.number}"].total == order.total
    assert accountant.wanted(mended=False).british.documents < wanted.british.documents
    assert paid.documents == wanted.documents + 1
    # Nothing is in the sandbox's books yet.
    assert len(findings.missing) == paid.documents
    assert {"invoice S1E-1301", "payment BACS-1", f"invoice SH-{order.number}"} <= set(findings.missing)
    assert [line.name for line in findings.sources] == ["jobs-1", "shop-1", "shop-2", "shopify-1", "shop-1, in €"]


async def test_what_the_company_committed_is_in_sterling(tmp_path: Path) -> None:
    business = day(7, DATE)
    database = tmp_path / "company.db"
    home = prepared(tmp_path)
    company.found(database)
    box = Outbox(f"sqlite:///{database}", "outbox")
    await box.install(dt.datetime.combine(DATE, dt.time(), dt.UTC))
    await box.close()
    async with wired(Sandbox()) as wire:
        xero = Xero(wire.session, f"{wire.address.base_url}/_sandbox", wire.tenant)
        accountant = Accountant(
            home=home,
            day=business,
            log=Log(list(company.work(database, DATE))),
            boutique=Boutique(DATE, "secret", "token"),
            xero=xero,
            irish=xero,
        )
        wanted = accountant.wanted(mended=True)
    # Of sixteen orders two were called off and one was never committed.
    assert len(wanted.british.sales) == 13
    assert all(number.startswith("E1-") for number in wanted.british.sales)
    assert not wanted.irish.documents
