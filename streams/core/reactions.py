"""What follows from a cause: one exhaustive match (design section 7, "Causes")."""

import datetime as dt
from collections.abc import Mapping
from typing import Final, Literal, assert_never

from connectors.xero.answers import Window
from schemas.states import Cause

Reaction = Literal[
    "retry",  # pending again, not before a time; never a dead letter
    "hold",  # pending until something else happens
    "stop",  # the whole tenant pauses: one stop, not a dead letter for each command
    "dead_letter",  # a person must mend it
    "question",  # a person must choose
]

_RETRY_S: Final = 2.0
_RETRY_MAX_S: Final = 300.0
_DOUBLINGS_MAX: Final = 10
# A 429 without Retry-After: the concurrent one never has it and frees in milliseconds, the others have it (facts 1).
_THROTTLED_S: Final[Mapping[Window, float]] = {
    "concurrent": 1.0,
    "minute": 60.0,
    "appminute": 60.0,
    "day": 900.0,
    "unknown": 10.0,
}
_THROTTLED_LEAST_S: Final = 0.25


def reaction_to(cause: Cause) -> Reaction:
    """What the sender does about a cause."""
    match cause:
        case "transient" | "throttled" | "quota":
            return "retry"
        case "dependency" | "upgrade":
            return "hold"
        case "auth" | "scope" | "disconnected":
            return "stop"
        case "data" | "period_locked" | "archived_contact" | "poison" | "bug":
            return "dead_letter"
        case "conflict" | "difference":
            return "question"
    assert_never(cause)


def retry_at(now: dt.datetime, attempts: int, asked_s: float | None = None) -> dt.datetime:
    """When to come back: when Xero says, else after 2 s, doubled for each attempt up to 5 minutes."""
    if asked_s is not None:
        return now + dt.timedelta(seconds=asked_s)
    return now + dt.timedelta(seconds=min(_RETRY_S * 2 ** min(attempts, _DOUBLINGS_MAX), _RETRY_MAX_S))


def throttled_s(window: Window, asked_s: float | None) -> float:
    """How long to wait after a 429, in seconds: as long as Xero says (`asked_s`, its Retry-After)."""
    return max(_THROTTLED_S[window] if asked_s is None else asked_s, _THROTTLED_LEAST_S)
