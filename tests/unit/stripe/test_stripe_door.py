"""An account at our own receiver: signed, answered as Stripe wants it, and nothing lost while Kafka is away."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from connectors.registry import CONNECTORS
from connectors.stripe.sandbox import StripeSandbox
from connectors.stripe.sandbox.deliveries import RETRIES_AFTER_S
from connectors.xero.sandbox import ManualClock
from schemas import raw
from tests.support.sandboxes import START, later, told
from tests.unit.receiver import support
from tests.unit.stripe.payloads import LIVE
from tests.unit.stripe.running import KEY


class OneClock(ManualClock):
    """The receiver's clock and the account's are one: a signature is good for five minutes."""

    def elapsed(self) -> float:
        return self.seconds()


@dataclass(slots=True)
class Connected:
    """An account whose webhooks come to a receiver."""

    sandbox: StripeSandbox
    clock: OneClock
    receiver: support.Running

    async def later(self, seconds: float) -> None:
        await later(self.clock, self.sandbox.deliveries, seconds)

    def facts(self) -> list[str]:
        """What the accepted deliveries tell, each fact as often as it is told."""
        records = [raw.from_kafka(headers.items(), value) for _, _, value, headers in self.receiver.publisher.records]
        return [f"{event.subject} {event.id}" for event in told(records, LIVE)]


@pytest.fixture
async def connected() -> AsyncIterator[Connected]:
    clock = OneClock(START)
    sandbox = StripeSandbox(clock=clock, secret=KEY)
    async with support.running(None, clock, connectors={"stripe": CONNECTORS["stripe"]}, sources=(LIVE,)) as receiver:
        sandbox.deliveries.add(f"{receiver.url}/v1/sources/stripe-1")
        yield Connected(sandbox, clock, receiver)
        await sandbox.deliveries.close()


async def test_what_an_account_tells_is_taken_and_answered(connected: Connected) -> None:
    paid = connected.sandbox.payments.charge(2400, metadata={"order_id": "1001"})
    refund = connected.sandbox.payments.refund(paid)
    await connected.sandbox.deliveries.settled()
    assert {one.state for one in connected.sandbox.deliveries.log} == {"delivered"}
    subjects = {line.partition(" ")[0] for line in connected.facts()}
    assert subjects == {f"payment:{paid['id']}", f"refund:{refund['id']}"}


async def test_while_kafka_is_away_stripe_comes_again(connected: Connected) -> None:
    connected.receiver.publisher.away = True
    connected.sandbox.payments.charge(2400, metadata={"order_id": "1001"})
    await connected.sandbox.deliveries.settled()
    await connected.later(RETRIES_AFTER_S[0])
    assert {tuple(one.tries) for one in connected.sandbox.deliveries.log} == {(503, 503)}
    assert connected.facts() == []
    connected.receiver.publisher.away = False
    await connected.later(RETRIES_AFTER_S[1])
    assert {one.state for one in connected.sandbox.deliveries.log} == {"delivered"}
    lines = connected.facts()
    assert len(lines) == len(set(lines)) == 2, "each once, under a key of its own"


async def test_a_wrong_secret_is_turned_away(connected: Connected) -> None:
    stranger = StripeSandbox(clock=connected.clock, secret="somebody else's")
    stranger.deliveries.add(f"{connected.receiver.url}/v1/sources/stripe-1")
    stranger.payments.decline(100)
    await stranger.deliveries.settled()
    assert [one.tries for one in stranger.deliveries.log] == [[400]]
    assert connected.receiver.publisher.records == []
    await stranger.deliveries.close()


async def test_a_delivery_that_comes_twice_is_one_event(connected: Connected) -> None:
    connected.sandbox.deliveries.orders.double = 2
    connected.sandbox.payments.charge(2400, metadata={"order_id": "1001"})
    await connected.sandbox.deliveries.settled()
    lines = connected.facts()
    assert (len(lines), len(set(lines))) == (4, 2)
