"""Silence is counted in hours of business, whatever the clocks do."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from streams.core.silence import Expectation

LONDON = ZoneInfo("Europe/London")
OFFICE = Expectation(
    gap=dt.timedelta(hours=4),
    days=frozenset(range(5)),
    opens=dt.time(9),
    closes=dt.time(17, 30),
    zone=LONDON,
)
ALWAYS = Expectation(
    gap=dt.timedelta(hours=1), days=frozenset(range(7)), opens=dt.time(0), closes=dt.time(0), zone=LONDON
)
NIGHT = Expectation(
    gap=dt.timedelta(hours=1), days=frozenset({4}), opens=dt.time(22), closes=dt.time(6), zone=ZoneInfo("Asia/Tokyo")
)


def london(day: int, hour: int, minute: int = 0, month: int = 11) -> dt.datetime:
    return dt.datetime(2026, month, day, hour, minute, tzinfo=LONDON)


@pytest.mark.parametrize(
    ("expectation", "since", "now", "hours"),
    [
        (OFFICE, london(25, 10), london(25, 12), 2),
        (OFFICE, london(25, 16), london(26, 10), 1.5 + 1),
        (OFFICE, london(25, 18), london(26, 8), 0),
        # Friday evening to Monday morning: nobody works.
        (OFFICE, london(27, 17), london(30, 10), 0.5 + 1),
        (OFFICE, london(28, 3), london(29, 23), 0),
        (OFFICE, london(25, 12), london(25, 10), 0),
        # The night in which summer time begins has one hour less, and the one in which it ends one more.
        (ALWAYS, london(28, 12, month=3), london(29, 12, month=3), 23),
        (ALWAYS, london(24, 12, month=10), london(25, 12, month=10), 25),
        # Friday night in Tokyo: 13:00 to 21:00 in London.
        (NIGHT, london(27, 0), london(28, 23), 8),
        (NIGHT, london(27, 20), london(28, 23), 1),
        # A source that fell silent long ago costs no long count.
        (ALWAYS, dt.datetime(1999, 1, 1, tzinfo=dt.UTC), london(25, 12), 60 * 24),
    ],
)
def test_only_hours_of_business_count(
    expectation: Expectation, since: dt.datetime, now: dt.datetime, hours: float
) -> None:
    assert expectation.silent_for(since, now) == dt.timedelta(hours=hours)
