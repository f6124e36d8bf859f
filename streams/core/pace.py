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
# So many kinds of call, each held for as long, are not more than the day's pace allows.
_KINDS: Final = 12
# The minute's slots are free again within a minute: its scarcity alone holds nothing back for longer than this.
_MINUTE_HOLD: Final = dt.timedelta(seconds=10)
# Nothing waits for longer to be filled, however little is left of the day.
_HOLD_MAX: Final = dt.timedelta(hours=1)


def hold(budget: Budget, head: ReadyCommand, now: dt.datetime, *, is_full: bool) -> dt.datetime | None:
    """Until when the call of `head` waits to be filled; None: it goes now.

    The scarcer the calls, the longer. A full call gains nothing by waiting. A person's command is due as soon as it is
    ready, so it never waits.
    """
    target = head.due - head.ready_since
    if is_full or not target:
        return None
    held = max(day_hold(budget), min(target, _MINUTE_HOLD) * minute_pressure(budget))
    until = head.ready_since + held
    return until if until > now else None


def minute_pressure(budget: Budget) -> float:
    """How scarce the minute's calls are: 0 with budget to spare, 1 when there is none."""
    return _share(1 - budget.minute_left / (budget.minute_limit * _EASY))


def day_hold(budget: Budget) -> dt.timedelta:
    """How long a call waits for the day's sake: the longer, the more of the hour's share is used up, or where others
    have left us less than the reserve."""
    reserve = max(budget.day_limit * RESERVE_SHARE, 1.0)
    hourly = max(budget.day_limit * (1 - RESERVE_SHARE) / _HOURS, 1.0)
    pressure = _share((budget.hour_used / hourly - _EASY) / (1 - _EASY))
    paced = dt.timedelta(seconds=pressure * _KINDS * _HOUR_S / hourly)
    return max(min(paced, _HOLD_MAX), _HOLD_MAX * _share(1 - budget.day_left / reserve))


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)
