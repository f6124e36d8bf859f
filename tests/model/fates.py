"""What befalls one call on its way: what the books get of it, and what the sender gets to see, as two choices."""

from dataclasses import dataclass
from typing import Final, Literal

Commit = Literal["now", "half", "late", "never"]
Reply = Literal["ok", "slow", "lost", "drop", "500", "502", "503", "401", "403", "429"]


@dataclass(frozen=True, slots=True)
class Fate:
    """A `slow` answer takes 20 s, a `lost` one never comes, a `drop` breaks the connection at once.

    `late_s`: how long after it came a late commit happens, or how long a 429 asks to wait.
    """

    commit: Commit = "now"
    reply: Reply = "ok"
    late_s: float = 0.0


GOOD: Final = Fate()
# Xero answers 500 itself, so nothing of that call is at work any more; a gateway's 502 or a lost connection says
# nothing about the backend, which may still be at work for a while: less than twice the sender's timeout (design 7.7).
WRITE_FATES: Final = (
    Fate("now", "slow"),
    Fate("now", "lost"),
    Fate("now", "drop"),
    Fate("now", "500"),
    Fate("now", "502"),
    Fate("half", "500"),
    Fate("half", "drop"),
    Fate("late", "drop", 5.0),
    Fate("late", "drop", 55.0),
    Fate("late", "lost", 25.0),
    Fate("late", "lost", 55.0),
    Fate("late", "502", 25.0),
    Fate("late", "502", 55.0),
    Fate("never", "drop"),
    Fate("never", "lost"),
    Fate("never", "500"),
    Fate("never", "502"),
    Fate("never", "503"),
    Fate("never", "401"),
    Fate("never", "403"),
    Fate("never", "429", 7.0),
    Fate("never", "429", 400.0),
)
READ_FATES: Final = (
    Fate("now", "slow"),
    Fate("never", "lost"),
    Fate("never", "drop"),
    Fate("never", "500"),
    Fate("never", "502"),
    Fate("never", "503"),
    Fate("never", "401"),
    Fate("never", "429", 7.0),
)
