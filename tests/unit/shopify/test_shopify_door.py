"""A shop at our own receiver: signed, answered as Shopify wants it, and nothing lost while Kafka is away."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from connectors.base import Secret, SourceConfig
from connectors.registry import CONNECTORS
from connectors.shopify.sandbox import ShopifySandbox
from connectors.shopify.sandbox.deliveries import RETRIES_AFTER_S
from connectors.xero.sandbox import ManualClock
from schemas import raw
from tests.support.sandboxes import START, later, told
from tests.unit.receiver import support
from tests.unit.shopify.running import KEY

SOURCE = SourceConfig(
    name="shop-1", connector="shopify", secrets=(Secret("last year's"), Secret(KEY)), gateway="shop-1"
)
DOOR = CONNECTORS["shopify"]


@dataclass(slots=True)
class Connected:
    """A shop whose webhooks come to a receiver."""

    sandbox: ShopifySandbox
    clock: ManualClock
    receiver: support.Running

    async def later(self, seconds: float) -> None:
        await later(self.clock, self.sandbox.deliveries, seconds)

    def subjects(self) -> list[str]:
        """What the accepted deliveries tell, each fact as often as it is told."""
        records = [raw.from_kafka(headers.items(), value) for _, _, value, headers in self.receiver.publisher.records]
        return [f"{event.subject} {event.id}" for event in told(records, SOURCE)]


@pytest.fixture
async def connected() -> AsyncIterator[Connected]:
    clock = ManualClock(START)
    sandbox = ShopifySandbox(clock=clock, secret=KEY)
    async with support.running(connectors={"shopify": DOOR}, sources=(SOURCE,)) as receiver:
        sandbox.subscribe_all(f"{receiver.url}/v1/sources/shop-1")
        yield Connected(sandbox, clock, receiver)
        await sandbox.deliveries.close()


async def test_what_a_shop_tells_is_taken_and_answered(connected: Connected) -> None:
    order = connected.sandbox.shop.place({"MUG-BLUE": 2})
    connected.sandbox.shop.pay(order)
    await connected.sandbox.deliveries.settled()
    assert {one.state for one in connected.sandbox.deliveries.log} == {"delivered"}
    told_of = {line.partition(" ")[0] for line in connected.subjects()}
    assert told_of == {f"order:{order.id}", f"payment:{order.transactions[0].id}", f"customer:{order.customer.id}"}


async def test_while_kafka_is_away_shopify_comes_again(connected: Connected) -> None:
    connected.receiver.publisher.away = True
    order = connected.sandbox.shop.place({"MUG-BLUE": 2})
    connected.sandbox.shop.pay(order)
    await connected.sandbox.deliveries.settled()
    await connected.later(RETRIES_AFTER_S[0])
    assert {tuple(one.tries) for one in connected.sandbox.deliveries.log} == {(503, 503)}
    assert connected.subjects() == []
    connected.receiver.publisher.away = False
    await connected.later(RETRIES_AFTER_S[1])
    assert {one.state for one in connected.sandbox.deliveries.log} == {"delivered"}
    lines = connected.subjects()
    assert len(lines) == len(set(lines)) == len(connected.sandbox.deliveries.log), "each once, under a key of its own"


async def test_a_wrong_secret_is_turned_away_until_shopify_gives_up(connected: Connected) -> None:
    stranger = ShopifySandbox(clock=connected.clock, secret="somebody else's")
    stranger.deliveries.subscribe("orders/create", f"{connected.receiver.url}/v1/sources/shop-1")
    stranger.shop.place({"MUG-BLUE": 1})
    await stranger.deliveries.settled()
    assert [one.tries for one in stranger.deliveries.log] == [[401]]
    assert connected.subjects() == []
    await stranger.deliveries.close()


async def test_a_delivery_that_comes_twice_is_one_event(connected: Connected) -> None:
    connected.sandbox.deliveries.orders.double = 100
    order = connected.sandbox.shop.place({"MUG-BLUE": 2})
    await connected.sandbox.deliveries.settled()
    lines = connected.subjects()
    assert len(lines) == 2 * len(set(lines))
    assert any(line.startswith(f"order:{order.id} ") for line in lines)
