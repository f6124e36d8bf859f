"""What an account tells is booked: rules take every fact of random days, and two tellings of it are one effect."""

import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from connectors.stripe.sandbox import StripeSandbox
from schemas.commands import (
    Command,
    Commands,
    Ignored,
    Pending,
    RecordPayment,
    RecordRefund,
    UpsertCreditNote,
    UpsertInvoice,
)
from schemas.envelope import Envelope
from streams import tenants
from streams.core.effects import payload_digest
from streams.core.tenants import Tenants
from tests.support.rules import translated
from tests.support.sandboxes import swept, told
from tests.unit.stripe.running import Running

SOURCES = """\
version: 1
sources:
  stripe-1:
    connector: stripe
    gateway: stripe
    order_source: {orders}
    order_metadata_keys: [order_id]
    secrets: [{{insecure_literal: whsec_hush}}]
    api: {{url: "https://api.example.com", token: {{insecure_literal: hush}}}}
  shop-1:
    connector: cloudevents
    tokens: [{{insecure_literal: hush}}]
"""
BOOKS = """\
version: 1
xero_tenant_id: xero-uk
time_zone: Europe/London
base_currency: GBP
routes: [{source: shop-1}, {source: stripe-1}]
accounts: {goods: "200", service: "200", shipping: "201", other: "260"}
taxes:
  rates:
    - {type: OUTPUT2, percent: "20"}
    - {type: RROUTPUT, percent: "5"}
  untaxed: {type: NONE, percent: "0"}
payments:
  - {gateway: stripe, currency: GBP, account: "091", source: stripe-1}
numbers:
  shop-1: {invoice: S1-, credit_note: S1-CN-}
  stripe-1: {invoice: B1-, credit_note: B1-CN-}
contacts:
  shop-1: {policy: per_customer, guests: per_email, channel_name: Shop 1 customers}
  stripe-1: {policy: per_customer, guests: per_email, channel_name: Subscribers}
rounding: {account: "860", max: "0.05"}
"""


def books(folder: Path, orders: str = "shop-1") -> Tenants:
    """The configuration, where payments are for orders of this source."""
    (folder / "sources.yaml").write_text(SOURCES.format(orders=orders))
    (folder / "uk.yaml").write_text(BOOKS)
    return tenants.load(folder, {})


def commands(events: Iterable[Envelope], files: Tenants) -> list[Command]:
    """What the events become; none of them is a dead letter."""
    found: list[Command] = []
    for event in events:
        outcome = translated(event, files, topic="events.payments").outcome
        assert isinstance(outcome, Commands | Pending | Ignored), (event, outcome)
        found += outcome.commands if isinstance(outcome, Commands) else ()
    return found


def effects(events: Iterable[Envelope], files: Tenants) -> dict[str, tuple[int, str]]:
    """The last version and the content of each effect; a fact that is told twice has one content."""
    found: dict[str, tuple[int, str]] = {}
    for command in commands(events, files):
        this = (command.sequence or 0, payload_digest(command.payload))
        known = found.get(command.effect_key)
        if known is not None and known[0] == this[0]:
            assert known[1] == this[1], f"{command.effect_key} has two contents in one version"
        if known is None or known[0] <= this[0]:
            found[command.effect_key] = this
    return found


def one_day(sandbox: StripeSandbox, chance: random.Random) -> None:
    """Payments of a shop's orders and of subscriptions, with what may happen to them."""
    for number in range(chance.randint(3, 8)):
        amount = chance.randint(100, 50_000)
        paid = sandbox.payments.charge(amount, metadata={"order_id": str(1001 + number)}, capture=chance.random() < 0.7)
        if paid["status"] == "requires_capture":
            sandbox.payments.capture(paid, chance.randint(50, amount))
        elif chance.random() < 0.5:
            sandbox.payments.refund(paid, chance.randint(1, amount))
        elif chance.random() < 0.5:
            sandbox.payments.decide(sandbox.payments.dispute(paid), chance.choice(("won", "lost")))
    for _ in range(chance.randint(1, 4)):
        lines = [
            {
                # Of a few pennies more than one rate would do.
                "amount": chance.randint(1000, 9999),
                "percent": chance.choice((20, 5)),
                "quantity": chance.randint(1, 4),
                "discount": chance.choice((0, 0, 55)),
            }
            for _ in range(chance.choice((1, 3, 12)))
        ]
        bill = sandbox.billing.finalize(lines, inclusive=chance.random() < 0.5, customer=chance.randint(1, 3))
        if chance.random() < 0.2:
            sandbox.billing.void(bill)
        elif chance.random() < 0.8:
            sandbox.billing.pay(bill)
            if chance.random() < 0.4:
                sandbox.billing.credit(bill, chance.randint(1, bill["total"]))
    sandbox.payments.decline(900)
    sandbox.payouts.pay_out(automatic=chance.random() < 0.7)


@pytest.mark.parametrize("seed", range(15))
async def test_every_fact_of_a_day_is_booked_once_whoever_tells_it(account: Running, tmp_path: Path, seed: int) -> None:
    files, chance = books(tmp_path), random.Random(seed)
    orders = account.sandbox.deliveries.orders
    orders.double, orders.reorder = chance.randint(0, 5), chance.randint(0, 9)
    one_day(account.sandbox, chance)
    orders.reorder = 0
    await account.sandbox.deliveries.settled()
    heard = told(account.ears.records(), account.config())
    records, _ = await swept(account.sweeper())
    found = told(records, account.config())
    by_sweep = effects(found, files)
    assert effects([*heard, *found], files) == by_sweep, "what webhooks tell changes nothing of it"
    payments = {key for key in by_sweep if key.endswith("#payment")}
    received = {
        f"stripe-1:payment:{one['id']}#payment"
        for one in account.sandbox.book.every("payment_intent")
        if one["status"] == "succeeded"
    }
    assert payments == received
    refunds = {f"stripe-1:refund:{one['id']}#refund" for one in account.sandbox.book.every("refund")}
    assert {key for key in by_sweep if key.endswith("#refund")} == refunds


async def test_a_subscription_is_invoiced_paid_and_given_back_in_the_books(account: Running, tmp_path: Path) -> None:
    """An account that has Billing alone names itself as the source of its orders."""
    files, billing = books(tmp_path, orders="stripe-1"), account.sandbox.billing
    bill = billing.pay(billing.finalize([{"amount": 1997, "percent": 20}, {"amount": 500, "percent": 5}]))
    billing.credit(bill, 1000)
    records, _ = await swept(account.sweeper())
    made = commands(told(records, account.config()), files)
    invoice = f"stripe-1:order:{bill['id']}#invoice"
    [placed] = {str(one.payload.total) for one in made if isinstance(one.payload, UpsertInvoice)}
    assert (placed, bill["total"]) == ("29.21", 2921)
    payments = [(one.payload, one.depends_on) for one in made]
    assert [(str(one.amount), on) for one, on in payments if isinstance(one, RecordPayment)] == [("29.21", (invoice,))]
    assert [str(one.payload.amount) for one in made if isinstance(one.payload, RecordRefund)] == ["10.00"] * 2


async def test_a_credit_of_one_line_gives_back_the_tax_of_that_line(account: Running, tmp_path: Path) -> None:
    """And it continues the numbers of Billing, though the account is paid for a shop's orders too."""
    files, billing = books(tmp_path), account.sandbox.billing
    bill = billing.pay(billing.finalize([{"amount": 10_000, "percent": 20}, {"amount": 5000}]))
    billing.credit(bill, 5000, lines=[{"amount": 5000, "description": "Untaxed"}])
    await account.sandbox.deliveries.settled()
    records, _ = await swept(account.sweeper())
    for found in (account.ears.records(), records):
        made = commands(told(found, account.config()), files)
        [refund] = {one.payload.amount for one in made if isinstance(one.payload, RecordRefund)}
        notes = [(one.sequence, one.payload) for one in made if isinstance(one.payload, UpsertCreditNote)]
        _, note = max(notes, key=lambda one: one[0] or 0)
        assert (str(refund), str(note.total), note.number[:6]) == ("50.00", "50.00", "B1-CN-")
        assert [(one.description, one.tax_type, str(one.unit_amount)) for one in note.lines] == [
            ("Untaxed", "NONE", "50.00")
        ]


def test_another_gateway_is_no_source_of_orders(tmp_path: Path) -> None:
    sources = SOURCES.format(orders="stripe-2")
    more = sources + sources.partition("sources:\n")[2].partition("  shop-1:")[0].replace("stripe-1:", "stripe-2:")
    (tmp_path / "sources.yaml").write_text(more)
    (tmp_path / "uk.yaml").write_text(BOOKS)
    with pytest.raises(tenants.TenantFilesError, match="stripe-2 has no orders"):
        tenants.load(tmp_path, {})
