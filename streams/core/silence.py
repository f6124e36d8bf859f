"""For how long a source has been silent, in its hours of business. Pure."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: Final[tuple[Day, ...]] = get_args(Day)
# What was heard longer ago than that is silent whatever the hours.
_LOOK_BACK: Final = dt.timedelta(days=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """A source gives a sign of life at least every `gap` of its hours of business: on `days` (0 is Monday) from `opens`
    until `closes` (midnight: the day's end) in `zone`."""

    gap: dt.timedelta
    days: frozenset[int]
    opens: dt.time
    closes: dt.time
    zone: ZoneInfo

    def silent_for(self, since: dt.datetime, now: dt.datetime) -> dt.timedelta:
        """How much of the hours of business lies between two moments (with zones); none if `now` is before `since`."""
        since = max(since, now.astimezone(dt.UTC) - _LOOK_BACK)
        return sum((_overlap(since, now, *hours) for hours in self._hours(since, now)), dt.timedelta(0))

    def _hours(self, since: dt.datetime, now: dt.datetime) -> Iterable[tuple[dt.datetime, dt.datetime]]:
        # The hours of the day before may go on past midnight.
        day, last = since.astimezone(self.zone).date() - dt.timedelta(days=1), now.astimezone(self.zone).date()
        while day <= last:
            if day.weekday() in self.days:
                end = day if self.closes > self.opens else day + dt.timedelta(days=1)
                yield self._at(day, self.opens), self._at(end, self.closes)
            day += dt.timedelta(days=1)

    def _at(self, day: dt.date, time: dt.time) -> dt.datetime:
        # In UTC, because the difference of two local times passes over the hour that summer time takes.
        return dt.datetime.combine(day, time, self.zone).astimezone(dt.UTC)


def _overlap(since: dt.datetime, now: dt.datetime, opens: dt.datetime, closes: dt.datetime) -> dt.timedelta:
    return max(min(now, closes) - max(since, opens), dt.timedelta(0))
