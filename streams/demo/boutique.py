"""A shop at Shopify: what happens in it on the demo's day, what was answered, and what its own books come to.

The shop is Shopify's sandbox, in the demo's process because it plays yesterday: its sweep leaves the last two minutes
to the webhooks, and a demo has no time to wait for them.
"""

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

from connectors.shopify.sandbox import ShopifySandbox
from connectors.xero.sandbox import ManualClock
from streams.demo import DemoFailed

_OPENS: Final = dt.time(8, 15, tzinfo=dt.UTC)
_ORDERS: Final = 30
_BASKETS: Final = (
    {"MUG-BLUE": 2, "TEA-250": 1},
    {"POT-1L": 1},
    {"COFFEE-1K": 3, "MUG-SAND": 1, "BOOK-TEA": 1},
    {"BOOK-TEA": 1},
    {"TEA-250": 4, "POT-1L": 1, "MUG-SAND": 2},
)
# One order in each so many has this fate.
_GROWN, _NET, _LESS, _UNPAID, _REFUNDED, _RETURNED = 7, 11, 3, 8, 6, 9
# Everything that the webhooks of these orders say is lost, and the shop's API is the only one to tell.
_LOST: Final = frozenset({10, 20})
_DOUBLED, _REORDERED, _TEST, _CALLED_OFF = 4, 12, 17, 24
_STEP_S: Final = 60.0
_TICK_S: Final = 0.1
# The shop's hours run faster, so that Shopify's tries after a minute come in seconds.
_HOURS_RUN: Final = 20.0
_OF_ORDERS: Final = ("orders/create", "orders/updated", "orders/paid", "orders/cancelled")


class Boutique:
    """One shop on one day. `secret` signs its webhooks, `token` opens its API."""

    def __init__(self, date: dt.date, secret: str, token: str) -> None:
        self._clock = ManualClock(dt.datetime.combine(date, _OPENS))
        self._sandbox = ShopifySandbox(clock=self._clock, secret=secret, token=token)
        self.shop = self._sandbox.shop

    @asynccontextmanager
    async def open(self, url: str) -> AsyncIterator[None]:
        """Answer at `url`, a loopback address with a port, while the block runs. Raises OSError when it is taken."""
        ticking = asyncio.create_task(self._tick())
        try:
            async with self._sandbox.serve(port=urlsplit(url).port or 0):
                yield
        finally:
            ticking.cancel()
            with suppress(asyncio.CancelledError):
                await ticking

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            self._clock.advance(_TICK_S * _HOURS_RUN)

    async def trade(self, webhooks_to: str, patience_s: float = 30.0) -> None:
        """The day: orders, money, refunds; webhooks to the address, some of them lost, doubled and out of order.

        Raises DemoFailed if one is not taken within `patience_s` seconds after the last of them happened.
        """
        self._sandbox.subscribe_all(webhooks_to)
        for at in range(1, _ORDERS + 1):
            self._order(at)
            # What belongs together arrives together, as in life; the next customer comes later.
            await self._sandbox.deliveries.settled()
        await self._delivered(patience_s)

    async def _delivered(self, patience_s: float) -> None:
        for _ in range(1 + int(patience_s / _TICK_S)):
            waiting = sum(one.state == "waiting" for one in self._sandbox.deliveries.log)
            if not waiting:
                return
            await asyncio.sleep(_TICK_S)
        raise DemoFailed(f"{waiting} webhooks of the Shopify shop were not taken within {patience_s:g} s.")

    def _order(self, at: int) -> None:
        orders = self._sandbox.deliveries.orders
        orders.lose = 100 if at in _LOST else 0
        orders.double = 2 if at == _DOUBLED else 0
        # Placed and paid make four deliveries.
        orders.reorder = 4 if at == _REORDERED else 0
        discount = Decimal("1.50") if at % _LESS == 0 else Decimal(0)
        self._later()
        order = self.shop.place(
            _BASKETS[at % len(_BASKETS)],
            person=at,
            discount=discount,
            taxes_included=at % _NET != 0,
            test=at == _TEST,
        )
        if at % _GROWN == 0:
            self._later()
            self.shop.edit(order, add={"MUG-BLUE": 1})
        if at == _CALLED_OFF:
            self._later()
            self.shop.cancel(order)
        elif at % _UNPAID:
            self._later()
            self.shop.pay(order)
            if at % _REFUNDED == 0:
                self._later()
                self.shop.refund(order, {order.lines[0].id: 1}, note="one was broken")
            elif at % _RETURNED == 0:
                self._later()
                self.shop.refund(order, shipping=True, note="not what I thought")
        orders.lose = 0

    def _later(self) -> None:
        self._clock.advance(_STEP_S)

    @property
    def webhooks(self) -> int:
        """How many were answered 2xx, doubles too."""
        return sum(_accepted(one.tries) for one in self._sandbox.deliveries.log)

    @property
    def lost(self) -> int:
        """How many never left Shopify."""
        return sum(one.state == "lost" for one in self._sandbox.deliveries.log)

    @property
    def accepted(self) -> int:
        """How many events the webhooks tell that were answered 2xx, by Shopify's rules of which topic says what."""
        return sum(
            _accepted(one.tries) * _tells(one.subscription.topic, json.loads(one.body))
            for one in self._sandbox.deliveries.log
        )

    @property
    def untold(self) -> tuple[int, ...]:
        """The numbers of the orders that no webhook told of."""
        told = {
            json.loads(one.body)["id"]
            for one in self._sandbox.deliveries.log
            if one.subscription.topic in _OF_ORDERS and _accepted(one.tries)
        }
        return tuple(order.number for order in self.shop.orders.values() if order.id not in told)

    @property
    def swept(self) -> int:
        """How many events one sweep of the whole shop tells: each order with its money, each customer, and the single
        movements of the account with Shopify Payments."""
        orders = [order for order in self.shop.orders.values() if not order.test]
        money = sum(one.kind in ("sale", "refund") for order in orders for one in order.transactions)
        tests = len(self.shop.orders) - len(orders)
        return len(orders) + tests + money + len(self.shop.customers) + len(self.shop.balance)


def _accepted(tries: list[int]) -> int:
    return sum(200 <= status < 300 for status in tries)


def _tells(topic: str, body: Any) -> int:
    """Each tells one thing; an order also every refund that gave money back."""
    if topic not in _OF_ORDERS or body["test"]:
        return 1
    return 1 + sum(bool(refund["transactions"]) for refund in body["refunds"])
