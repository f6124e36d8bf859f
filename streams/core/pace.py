"""When a call goes: at once while there is budget to spare; as minute or day run short, calls fill up first. Pure.

Xero may count its day from any moment, or always the last 24 hours. So the day's pace is measured by the last hour: a
tenant that never makes more than its share of an hour has calls left in any 24 hours.
"""

import datetime as dt
from typing import Final

from streams.core.situation import Budget, ReadyCommand

# Kept for people and for what nobody foresaw: what the day's pace does not count on.
RESERVE_SHARE: Final = 0.2
_HOURS: Final = 24
_HOUR_S: Final = 3600.0
# Half of the minute or of the hour may be used up before anything is held back.
_EASY: Final = 0.5
# While what is left of the day allows the last hour's pace, so much of that may be used before anything is held back.
_EASY_COVERED: Final = 0.75
# So many kinds of call, each held for as long, are not more than the day's pace allows.
_KINDS: Final = 12
# The minute's slots are free again within a minute: its scarcity alone holds nothing back for longer than this.
_MINUTE_HOLD: Final = dt.timedelta(seconds=10)
# Nothing waits for longer to be filled, however little is left of the day.
_HOLD_MAX: Final = dt.timedelta(hours=1)


def hold(budget: Budget, head: ReadyCommand, now: dt.datetime, *, is_full: bool) -> dt.datetime | None:
    """Until when the call of `head` waits to be filled; None: it goes now. A full call gains nothing by waiting."""
    return None if is_full else held_until(budget, head.taken_in, head.ready_since, head.due, now)


def held_until(
    budget: Budget, taken_in: dt.datetime, ready_since: dt.datetime, due: dt.datetime, now: dt.datetime
) -> dt.datetime | None:
    """Until when a command waits at most for its call to be filled; None: not any longer.

    The scarcer the calls, the longer. For the day's sake it waits from when it was taken in: an order's contact,
    invoice and payment came together and go one after another together with those of other orders, so they need to
    wait but once. A person's command is due as soon as it is ready, so it never waits.
    """
    target = due - ready_since
    if not target:
        return None
    for_minute = ready_since + min(target, _MINUTE_HOLD) * minute_pressure(budget)
    until = max(for_minute, taken_in + day_hold(budget, target))
    return until if until > now else None


def minute_pressure(budget: Budget) -> float:
    """How scarce the minute's calls are: 0 with budget to spare, 1 when there is none."""
    return _pressure(1 - budget.minute_left / budget.minute_limit, _EASY)


def day_hold(budget: Budget, target: dt.timedelta) -> dt.timedelta:
    """How long a call waits for the day's sake: the longer, the more of the hour's share is used up, or where others
    have left us less than the reserve.

    What is left of the day allows the last hour's pace if it would do for 24 such hours, as the day may have just
    begun. Then nothing waits for longer than its class may.
    """
    reserve = max(budget.day_limit * RESERVE_SHARE, 1.0)
    hourly = max(budget.day_limit * (1 - RESERVE_SHARE) / _HOURS, 1.0)
    pressure = _pressure(budget.hour_used / hourly, _EASY)
    paced = dt.timedelta(seconds=pressure * _KINDS * _HOUR_S / hourly)
    allowed = (budget.day_left - reserve) / _HOURS
    if budget.hour_used < allowed:
        paced = min(paced, target * _pressure(budget.hour_used / allowed, _EASY_COVERED))
    return max(min(paced, _HOLD_MAX), _HOLD_MAX * _share(1 - budget.day_left / reserve))


def _pressure(used: float, easy: float) -> float:
    """How scarce something is of which a share is used, and which is not scarce until the share `easy` is."""
    return _share((used - easy) / (1 - easy))


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)
