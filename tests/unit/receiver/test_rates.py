"""How often a source may come."""

import dataclasses

from connectors.receiver.rates import Rates
from tests.conformance.case import Clock
from tests.unit.receiver.support import BEARER, CRM, SHOP, event, running

TEN = dataclasses.replace(SHOP, requests_per_minute=10)
OTHER = dataclasses.replace(CRM, requests_per_minute=10)


def test_a_minutes_worth_may_come_at_once_and_is_filled_again_evenly() -> None:
    rates = Rates()
    assert [rates.take(TEN, 100.0) for _ in range(12)] == [0] * 10 + [6, 6]
    assert rates.take(TEN, 105.9) == 1
    assert rates.take(TEN, 106.0) == 0
    assert rates.take(TEN, 106.0) == 6
    assert [rates.take(TEN, 1000.0) for _ in range(11)] == [0] * 10 + [6], "no more is saved than a minute's worth"


def test_each_source_has_a_share_of_its_own() -> None:
    rates = Rates()
    assert [rates.take(TEN, 0.0) for _ in range(11)][-1] == 6
    assert rates.take(OTHER, 0.0) == 0


def test_another_setting_holds_at_once() -> None:
    rates = Rates()
    assert [rates.take(TEN, 0.0) for _ in range(5)] == [0] * 5
    slower = dataclasses.replace(TEN, requests_per_minute=2)
    assert [rates.take(slower, 0.0) for _ in range(3)] == [0, 0, 30]


async def test_who_asks_what_became_of_events_is_counted_too() -> None:
    clock = Clock()
    async with running(clock=clock, sources=(dataclasses.replace(SHOP, requests_per_minute=2), CRM)) as receiver:
        asked = [await receiver.call("GET", "/v1/events/shop-1/e1", headers=BEARER) for _ in range(3)]
        assert [reply.status for reply in asked] == [404, 404, 429]
        assert (asked[-1].headers["Retry-After"], receiver.last) == ("30", ("shop-1", "throttled"))
        assert "2 requests a minute" in asked[-1].json["detail"]
        assert (await receiver.send_event(event())).status == 429
        crm = {"Authorization": "Bearer crm-1-token"}
        assert (await receiver.call("GET", "/v1/events/crm-1/e1", headers=crm)).status == 404
