"""The receiver is killed again and again under load, and Kafka is away for a while: what was answered 2xx is in Kafka,
and every source's own retries bring the rest, so that each event is told under one key, whatever came how often."""

import asyncio
import itertools
import json
import random
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from connectors.base import Events, Secret, SourceConfig
from connectors.shopify.normalise import normalise
from connectors.shopify.sandbox import ShopifySandbox
from connectors.stripe.sandbox import StripeSandbox
from connectors.xero.sandbox import ManualClock, Sandbox
from schemas import raw
from schemas.envelope import STRUCTURED, from_kafka
from streams.demo.processes import free_port
from streams.kafka import local, topics
from streams.kafka.broker import JavaBroker
from tests.conftest import HOME
from tests.support.cli import COMMAND, environment
from tests.support.kafka import read_all
from tests.support.sandboxes import START
from tests.unit.receiver.support import event, order
from tests.unit.shopify.running import ACCESS, KEY

ROOT = Path(__file__).parents[3]
XERO_KEY = "the key of Xero's webhook"
STRIPE_KEY = "whsec_of_the_endpoint"
SHOPIFY = SourceConfig(name="boutique-1", connector="shopify", secrets=(Secret(KEY),), gateway="boutique-1")
SOURCES = """
  boutique-1:
    connector: shopify
    secrets:
      - env: LEDGERSTREAM_SECRET_BOUTIQUE_1
  xero-1:
    connector: xero
    secrets:
      - env: LEDGERSTREAM_SECRET_XERO_1
"""


class SignedNow(ManualClock):
    """Waits as it is told, but says the real time: Stripe signs it at each try, and the receiver holds it against its
    own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class Door:
    """A receiver process that a test kills, and what was answered by it."""

    broker: JavaBroker
    prefix: str
    folder: Path
    settings: dict[str, str]
    port: int
    process: asyncio.subprocess.Process | None = None
    accepted: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self, http: aiohttp.ClientSession) -> None:
        log = (self.folder / "receiver.log").open("ab")
        self.process = await asyncio.create_subprocess_exec(
            *COMMAND, "receiver", cwd=ROOT, env=environment(self.settings), stdout=log, stderr=log
        )
        log.close()
        for _ in range(300):
            try:
                async with http.get(self.url + "/healthz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
        raise AssertionError((self.folder / "receiver.log").read_text()[-2000:])

    async def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def tell(self, number: int, http: aiohttp.ClientSession) -> None:
        """A producer of CloudEvents that tries until it is accepted."""
        document = event(f"evt_{number}", data=order(str(number)))
        headers = {"Content-Type": STRUCTURED, "Authorization": "Bearer token-of-shop-2"}
        self.sent.add(f"evt_{number}")
        while True:
            try:
                async with http.post(self.url + "/v1/events", data=json.dumps(document), headers=headers) as answer:
                    if answer.status == 202:
                        self.accepted.add(f"evt_{number}")
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(0.1)


@asynccontextmanager
async def door(folder: Path, prefix: str) -> AsyncIterator[Door]:
    """A broker of its own, and a receiver that is not started yet."""
    installation = await asyncio.to_thread(local.install, HOME)
    broker = JavaBroker(installation, folder / "kafka")
    await asyncio.to_thread(broker.start)
    await topics.ensure(broker.bootstrap, prefix)
    tenants = folder / "tenants"
    shutil.copytree(ROOT / "deploy" / "tenants", tenants)
    (tenants / "sources.yaml").write_text((tenants / "sources.yaml").read_text() + SOURCES)
    port = free_port()
    settings = {
        "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap,
        "LEDGERSTREAM_TOPIC_PREFIX": prefix,
        "LEDGERSTREAM_HOME": str(folder),
        "LEDGERSTREAM_TENANTS": str(tenants),
        "LEDGERSTREAM_RECEIVER_PORT": str(port),
        "LEDGERSTREAM_TENANT_UK": "uk-tenant",
        "LEDGERSTREAM_TENANT_IE": "ie-tenant",
        "LEDGERSTREAM_SECRET_SHOP_2": "token-of-shop-2",
        "LEDGERSTREAM_SECRET_BOUTIQUE_1": KEY,
        "LEDGERSTREAM_SECRET_XERO_1": XERO_KEY,
        "LEDGERSTREAM_SECRET_STRIPE_1": STRIPE_KEY,
        **{f"LEDGERSTREAM_SECRET_{name}": f"secret-of-{name}" for name in ("SHOP_1", "CRM_1", "JOBS_1")},
    }
    found = Door(broker, prefix, folder, settings, port)
    try:
        yield found
    finally:
        if found.process is not None and found.process.returncode is None:
            await found.kill()
        await asyncio.to_thread(broker.stop)


async def under_fire(found: Door, kills: int, away_s: float, seed: int) -> None:
    """Business of four sources at once, while the receiver dies `kills` times and Kafka is away once."""
    chance, clock, numbers = random.Random(seed), ManualClock(START), itertools.count()
    signed_now = SignedNow(START)
    clocks = (clock, signed_now)
    shop = ShopifySandbox(clock=clock, secret=KEY, token=ACCESS)
    stripe = StripeSandbox(clock=signed_now, secret=STRIPE_KEY)
    xero = Sandbox(clock=clock)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as http, xero.serve() as xero_at:
        await found.start(http)
        shop.subscribe_all(f"{found.url}/v1/sources/boutique-1")
        stripe.deliveries.add(f"{found.url}/v1/sources/stripe-1")
        assert (await xero.webhook.subscribe(f"{found.url}/v1/sources/xero-1", XERO_KEY)).status == "ok"
        producers = [asyncio.create_task(_produce(found, numbers, http)) for _ in range(4)]
        for kill in range(kills):
            stripe.payments.charge(2400 + kill, metadata={"order_id": str(kill)})
            await _a_day(shop, xero_at.base_url, xero.organisations[0].tenant_id, kill, http)
            await asyncio.sleep(chance.uniform(0.02, 0.3))
            await found.kill()
            # Nobody hears this one: it comes by Stripe's own schedule.
            stripe.payments.charge(1200 + kill, metadata={"order_id": str(kill)})
            await stripe.deliveries.settled()
            if kill == kills // 2:
                await asyncio.to_thread(found.broker.kill)
                away = asyncio.create_task(asyncio.sleep(away_s))
                await away
                await asyncio.to_thread(found.broker.start)
            await found.start(http)
            # Retries come by the sources' own schedules, on a clock of their own.
            for one in clocks:
                one.advance(chance.uniform(1, 120))
        for producer in producers:
            producer.cancel()
        await asyncio.gather(*producers, return_exceptions=True)
        for _ in range(60):
            for one in clocks:
                one.advance(600)
            await asyncio.sleep(0.1)
            await shop.deliveries.settled()
            await stripe.deliveries.settled()
            waiting = [one for one in xero.webhook.shown()["deliveries"] if one["progress"] != "delivered"]
            states = [one.state for one in shop.deliveries.log] + [one.state for one in stripe.deliveries.log]
            if not waiting and set(states) == {"delivered"}:
                break
        await xero.webhook.close()
        await shop.deliveries.close()
        await stripe.deliveries.close()
    await _counted(found, shop, stripe, xero)


async def _produce(found: Door, numbers: "itertools.count[int]", http: aiohttp.ClientSession) -> None:
    while True:
        await found.tell(next(numbers), http)
        await asyncio.sleep(0.02)


async def _a_day(shop: ShopifySandbox, xero: str, tenant: str, day: int, http: aiohttp.ClientSession) -> None:
    """Orders in the shop, one of them paid for; and a contact that somebody edits in Xero."""
    for _ in range(3):
        placed = shop.shop.place({"SEAT-KID": 1})
    shop.shop.pay(placed)
    body = {"Name": f"By hand {day}"}
    async with http.get(f"{xero}/_sandbox/books/{tenant}") as answer:
        contact = (await answer.json())["contacts"][0]["id"]
    path = "restore" if day == 0 else ""
    url = f"{xero}/_sandbox/organisations/{tenant}/contacts/{contact}"
    async with http.request("POST" if path else "PATCH", f"{url}/{path}".rstrip("/"), json=body) as answer:
        assert answer.status == 200, await answer.text()


async def _counted(found: Door, shop: ShopifySandbox, stripe: StripeSandbox, xero: Sandbox) -> None:
    bootstrap = found.broker.bootstrap
    orders = [from_kafka(one.headers, one.value) for one in await read_all(bootstrap, found.prefix + "events.orders")]
    told = {one.id for one in orders}
    assert found.accepted <= told <= found.sent
    requests = [raw.from_kafka(one.headers, one.value) for one in await read_all(bootstrap, found.prefix + "raw")]
    _shop_is_whole([one for one in requests if one.source == "boutique-1"], shop)
    _stripe_is_whole([one.body for one in requests if one.source == "stripe-1"], stripe)
    _xero_is_whole([one.body for one in requests if one.source == "xero-1"], xero)


def _shop_is_whole(requests: list[raw.RawRecord], shop: ShopifySandbox) -> None:
    delivered = [one for one in shop.deliveries.log if one.state == "delivered"]
    assert len(delivered) == len(shop.deliveries.log), "every delivery got its 2xx in the end"
    assert {one.headers["x-shopify-webhook-id"] for one in requests} == {one.webhook_id for one in delivered}
    by_key: dict[str, set[bytes]] = {}
    for request in requests:
        outcome = normalise(request, SHOPIFY)
        for envelope in outcome.envelopes if isinstance(outcome, Events) else ():
            by_key.setdefault(envelope.key, set()).add(envelope.data)
    assert by_key
    assert {len(contents) for contents in by_key.values()} == {1}, "a delivery that came twice is one event"


def _stripe_is_whole(bodies: list[bytes], stripe: StripeSandbox) -> None:
    log = stripe.deliveries.log
    assert [one.state for one in log] == ["delivered"] * len(log), "every delivery got its 2xx in the end"
    assert {json.loads(body)["id"] for body in bodies} == {one.event_id for one in log}
    assert any(len(one.tries) > 1 for one in log), "some came by its own schedule"


def _xero_is_whole(bodies: list[bytes], xero: Sandbox) -> None:
    numbers: set[int] = set()
    for body in bodies:
        told: dict[str, Any] = json.loads(body)
        numbers |= set(range(told["firstEventSequence"], told["lastEventSequence"] + 1)) - {0}
    subscription = xero.webhook.subscription
    assert subscription is not None
    assert numbers == set(range(1, subscription.next_sequence)), "no number is missing"


@pytest.mark.timeout(400)
async def test_killed_twenty_times_under_load(tmp_path: Path, topic_prefix: str) -> None:
    async with door(tmp_path, topic_prefix) as found:
        await under_fire(found, kills=20, away_s=3.0, seed=20261128)


@pytest.mark.all
@pytest.mark.timeout(1500)
async def test_killed_two_hundred_times_and_kafka_away_for_a_minute(tmp_path: Path, topic_prefix: str) -> None:
    seed = random.SystemRandom().randrange(10**6)
    sys.stdout.write(f"seed {seed}\n")
    async with door(tmp_path, topic_prefix) as found:
        await under_fire(found, kills=200, away_s=60.0, seed=seed)
