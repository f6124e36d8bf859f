"""The webhook's pure parts: when a delivery comes again, and what an order does to the next ones."""

import pytest

from connectors.xero.sandbox.webhooks.orders import Fate, Orders
from connectors.xero.sandbox.webhooks.schedule import next_delay_s

DAY_S = 24 * 3600.0


def test_tries_become_rarer_and_end_after_a_day() -> None:
    at_s, tries, delays = 0.0, 1, []
    while (delay_s := next_delay_s(tries, at_s)) is not None:
        delays.append(delay_s)
        at_s, tries = at_s + delay_s, tries + 1
    assert at_s == DAY_S
    assert delays[:6] == [5, 15, 60, 300, 900, 3600]
    assert delays[:-1] == sorted(delays[:-1])
    assert len(delays) < 40


@pytest.mark.parametrize(
    ("tries", "since_s", "delay_s"), [(1, 0, 5), (99, 0, 3600), (9, DAY_S - 10, 10), (1, DAY_S, None), (9, 1e9, None)]
)
def test_the_last_try_is_a_day_after_the_first(tries: int, since_s: float, delay_s: float | None) -> None:
    assert next_delay_s(tries, since_s) == delay_s


def test_orders_are_used_up_one_delivery_at_a_time() -> None:
    orders = Orders(lose=1, double=2, reorder=2, delay_s=9.0)
    assert [orders.take() for _ in range(4)] == [
        Fate(lost=True),
        Fate(doubled=True, held=True, delay_s=9.0),
        Fate(doubled=True, held=True, releases=True),
        Fate(),
    ]
    assert (orders.lose, orders.double, orders.reorder, orders.delay) == (0, 0, 0, 0)


def test_a_delay_is_for_as_many_as_are_named() -> None:
    orders = Orders(delay=2, delay_s=3.0)
    assert [orders.take().delay_s for _ in range(3)] == [3.0, 3.0, 0.0]
