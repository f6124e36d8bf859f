"""When a call goes: at once while there is budget to spare; as minute or day run short, calls fill up first. Pure."""

import datetime as dt
from typing import Final

from streams.core.situation import Budget, ReadyCommand

_DAY_S: Final = 86_400.0
# Kept for people: what the day's pace does not count on.
RESERVE_SHARE: Final = 0.05
# Half of the minute may be used up before anything is held back.
_MINUTE_EASY: Final = 0.5
# The minute's slots are free again within a minute: its scarcity alone holds nothing back for longer than this.
_MINUTE_HOLD: Final = dt.timedelta(seconds=10)


def hold(budget: Budget, head: ReadyCommand, now: dt.datetime, *, is_full: bool) -> dt.datetime | None:
    """Until when the call of `head` waits to be filled; None: it goes now.

    The scarcer the calls, the longer, up to the moment at which its earliest command is due. A person's command is due
    as soon as it is ready, so it never waits.
    """
    if is_full or head.due <= now:
        return None
    target = head.due - head.ready_since
    held = max(target * day_pressure(budget), min(target, _MINUTE_HOLD) * minute_pressure(budget))
    until = head.ready_since + held
    return until if until > now else None


def minute_pressure(budget: Budget) -> float:
    """How scarce the minute's calls are: 0 with budget to spare, 1 when there is none."""
    return min(max(1 - budget.minute_left / (budget.minute_limit * _MINUTE_EASY), 0.0), 1.0)


def day_pressure(budget: Budget) -> float:
    """How scarce the day's calls are for the time that is left of it, from 0 to 1."""
    reserve = budget.day_limit * RESERVE_SHARE
    fair = max(budget.day_limit - reserve, 1.0) * budget.day_resets_in_s / _DAY_S
    day = 1 - (budget.day_left - reserve) / fair if fair > 0 else 0.0
    return min(max(day, 0.0), 1.0)
