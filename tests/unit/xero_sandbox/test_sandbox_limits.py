"""Every limit, with fixed and with rolling windows."""

from typing import Any

import pytest

from connectors.xero.sandbox import Switches
from connectors.xero.sandbox.limits import Limits, header_seconds

APP, TENANT = "app", "tenant-a"


def spend(limits: Limits, calls: int, now_s: float, switches: Switches, tenant: str = TENANT) -> list[str | None]:
    """The problem of each of `calls` calls one after the other."""
    problems: list[str | None] = []
    for _ in range(calls):
        refused = limits.enter(APP, tenant, now_s, switches)
        problems.append(refused.problem if refused else None)
        if refused is None:
            limits.leave(APP, tenant)
    return problems


def window_start(limits: Limits, switches: Switches) -> float:
    """A moment at which the tenant's fixed minute begins."""
    left = limits.reset_in(APP, TENANT, "minute", 1000.0, switches)
    assert left is not None
    return 1000.0 + left


@pytest.mark.parametrize("window", ["fixed", "rolling"])
def test_the_sixty_first_call_of_a_minute_is_refused_until_it_is_over(window: Any) -> None:
    limits, switches = Limits(), Switches(window=window)
    start = window_start(limits, switches)
    assert spend(limits, 61, start, switches) == [None] * 60 + ["minute"]
    refused = limits.enter(APP, TENANT, start + 20, switches)
    assert refused is not None
    assert refused.retry_after_s == pytest.approx(40, abs=0.01)
    assert spend(limits, 1, start + 60.01, switches) == [None]


def test_a_fixed_window_lets_two_bursts_meet_and_a_rolling_one_does_not() -> None:
    for window, expected in (("fixed", None), ("rolling", "minute")):
        limits, switches = Limits(), Switches().changed(window=window)
        start = window_start(limits, switches)
        assert spend(limits, 60, start - 1, switches) == [None] * 60
        assert spend(limits, 1, start + 1, switches) == [expected]


def test_windows_of_tenants_begin_at_different_times() -> None:
    limits, switches = Limits(), Switches()
    resets = {limits.reset_in(APP, f"tenant-{n}", "minute", 0.0, switches) for n in range(20)}
    assert len(resets) > 10


def test_the_day_limit_may_take_hours() -> None:
    limits, switches = Limits(), Switches(day_limit=3)
    assert spend(limits, 4, 0.0, switches)[-1] == "day"
    refused = limits.enter(APP, TENANT, 0.0, switches)
    assert refused is not None
    assert refused.retry_after_s is not None
    assert refused.retry_after_s > 60


def test_the_sixth_call_in_progress_is_refused_without_a_time_to_wait() -> None:
    limits, switches = Limits(), Switches()
    for _ in range(5):
        assert limits.enter(APP, TENANT, 0.0, switches) is None
    refused = limits.enter(APP, TENANT, 0.0, switches)
    assert refused is not None
    assert (refused.problem, refused.retry_after_s) == ("concurrent", None)
    assert limits.enter(APP, "tenant-b", 0.0, switches) is None
    limits.leave(APP, TENANT)
    assert limits.enter(APP, TENANT, 0.0, switches) is None


def test_the_apps_minute_is_shared_by_its_tenants() -> None:
    limits, switches = Limits(), Switches(app_minute_limit=3)
    assert spend(limits, 2, 0.0, switches) == [None, None]
    assert spend(limits, 2, 0.0, switches, "tenant-b") == [None, "appminute"]


def test_a_refused_call_counts_only_when_the_switch_says_so() -> None:
    for counts, left in ((False, "0"), (True, "0")):
        limits, switches = Limits(), Switches(minute_limit=2, day_limit=10, throttled_calls_count=counts)
        spend(limits, 5, 0.0, switches)
        headers = limits.headers(APP, TENANT, 0.0, switches)
        assert headers["X-MinLimit-Remaining"] == left
        assert headers["X-DayLimit-Remaining"] == ("5" if counts else "8")


def test_headers_count_down() -> None:
    limits, switches = Limits(), Switches()
    spend(limits, 3, 0.0, switches)
    assert limits.headers(APP, TENANT, 0.0, switches) == {
        "X-DayLimit-Remaining": "4997",
        "X-MinLimit-Remaining": "57",
        "X-AppMinLimit-Remaining": "9997",
    }


def test_retry_after_is_whole_and_at_the_clients_pace() -> None:
    assert header_seconds(26.2, 1) == "27"
    assert header_seconds(26.2, 20) == "2"
    assert header_seconds(0.001, 1) == "1"
