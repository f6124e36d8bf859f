"""What a shop tells is booked: rules take every fact of random days, and two tellings of it are one effect."""

import random
from pathlib import Path

import pytest

from schemas.commands import Commands, Pending
from schemas.envelope import Envelope
from streams import tenants
from streams.core.effects import payload_digest
from streams.core.tenants import Tenants
from tests.support.rules import translated
from tests.support.sandboxes import swept, told
from tests.unit.shopify.running import Running
from tests.unit.shopify.test_shopify_random_days import one_day

SOURCES = """\
version: 1
sources:
  shop-1:
    connector: shopify
    secrets: [{insecure_literal: hush}]
    api: {url: "https://mugs.myshopify.com", token: {insecure_literal: hush}}
"""
BOOKS = """\
version: 1
xero_tenant_id: xero-uk
time_zone: Europe/London
base_currency: GBP
routes: [{source: shop-1}]
accounts: {goods: "200", shipping: "201", tip: "260", gift_card: "835", other: "260"}
taxes:
  rates:
    - {type: OUTPUT2, percent: "20"}
    - {type: RROUTPUT, percent: "5"}
  untaxed: {type: NONE, percent: "0"}
payments:
  - {gateway: shopify_payments, currency: GBP, account: "091"}
  - {gateway: paypal, currency: GBP, account: "092"}
numbers:
  shop-1: {invoice: S1-, credit_note: S1-CN-}
contacts:
  shop-1: {policy: per_customer, guests: per_email, channel_name: Shop 1 customers}
rounding: {account: "860", max: "0.05"}
"""


@pytest.fixture
def books(tmp_path: Path) -> Tenants:
    (tmp_path / "sources.yaml").write_text(SOURCES)
    (tmp_path / "uk.yaml").write_text(BOOKS)
    return tenants.load(tmp_path, {})


def effects(events: list[Envelope], books: Tenants) -> dict[str, tuple[int, str]]:
    """The last version and the content of each effect that the events have; none of them is a dead letter."""
    found: dict[str, tuple[int, str]] = {}
    for event in events:
        record = translated(event, books)
        assert isinstance(record.outcome, Commands | Pending), (event, record.outcome)
        for command in record.outcome.commands if isinstance(record.outcome, Commands) else ():
            version = command.sequence or 0
            if found.get(command.effect_key, (0, ""))[0] <= version:
                found[command.effect_key] = (version, payload_digest(command.payload))
    return found


@pytest.mark.parametrize("seed", range(15))
async def test_every_fact_of_a_day_is_booked_once(shop: Running, books: Tenants, seed: int) -> None:
    bucket = shop.sandbox.api.bucket
    bucket.size = bucket.held = bucket.restored_a_second = 10**9
    one_day(shop.sandbox.shop, random.Random(seed), shop.clock.advance)
    await shop.sandbox.deliveries.settled()
    heard = effects(told(shop.ears.records(), shop.config()), books)
    found = effects(told((await swept(shop.sweeper(), after_s=600))[0], shop.config()), books)
    assert found.items() <= heard.items(), "what the sweep tells is what the webhooks told"
    kinds = {key.partition("#")[2].partition(":")[0] for key in found}
    assert "invoice" in kinds
