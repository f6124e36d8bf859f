"""Xero's limits: concurrent, minute and day per app and tenant, and the app's own minute. Pure but for its counters.

Time is given in seconds of the limits' own pace, so that a sandbox may let its minute run faster.
"""

import math
import zlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from connectors.xero.sandbox.switches import Switches

Problem = Literal["minute", "day", "concurrent", "appminute"]

MINUTE_S: Final = 60
DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Refused:
    """A call over a limit. `retry_after_s` in seconds of the limits' pace; None for concurrent, which has no header."""

    problem: Problem
    retry_after_s: float | None


class Window:
    """One counter over one length of time, fixed (starting at `phase_s`) or rolling."""

    def __init__(self, length_s: int, phase_s: int) -> None:
        self._length_s = length_s
        self._phase_s = phase_s
        self._at: deque[float] = deque()
        self._current = -1
        self._count = 0

    def used(self, now_s: float, *, rolling: bool) -> int:
        """Calls that count at this moment."""
        self._move(now_s)
        return len(self._at) if rolling else self._count

    def take(self, now_s: float) -> None:
        self._move(now_s)
        self._at.append(now_s)
        self._count += 1

    def reset_in(self, now_s: float, *, rolling: bool) -> float:
        """Seconds until one more call fits into a full window."""
        if rolling:
            return self._at[0] + self._length_s - now_s if self._at else 0.0
        return self._length_s - (now_s + self._phase_s) % self._length_s

    def _move(self, now_s: float) -> None:
        # Both countings go on side by side, so that the switch may be turned at any moment.
        while self._at and self._at[0] <= now_s - self._length_s:
            self._at.popleft()
        current = int((now_s + self._phase_s) // self._length_s)
        if current != self._current:
            self._current, self._count = current, 0


class Limits:
    """All counters of one sandbox; `enter` takes and `leave` gives back the place of a call in progress."""

    def __init__(self) -> None:
        self._minutes: dict[tuple[str, str], Window] = {}
        self._days: dict[tuple[str, str], Window] = {}
        self._apps: dict[str, Window] = {}
        self._running: dict[tuple[str, str], int] = {}

    def enter(self, app: str, tenant: str, now_s: float, switches: Switches) -> Refused | None:
        """Count one call and hold one concurrent place, or say which limit refuses it."""
        minute, day, whole_app = self._windows(app, tenant)
        refused = self._refusal(app, tenant, now_s, switches)
        if refused is not None and not switches.throttled_calls_count:
            return refused
        for window in (minute, day, whole_app):
            window.take(now_s)
        if refused is None:
            self._running[app, tenant] = self._running.get((app, tenant), 0) + 1
        return refused

    def leave(self, app: str, tenant: str) -> None:
        """The call that entered has been answered."""
        self._running[app, tenant] -= 1

    def headers(self, app: str, tenant: str, now_s: float, switches: Switches) -> dict[str, str]:
        """What is left, as every tenant's answer says it."""
        minute, day, whole_app = self._windows(app, tenant)
        rolling = switches.window == "rolling"
        left: Mapping[str, int] = {
            "X-DayLimit-Remaining": switches.day_limit - day.used(now_s, rolling=rolling),
            "X-MinLimit-Remaining": switches.minute_limit - minute.used(now_s, rolling=rolling),
            "X-AppMinLimit-Remaining": switches.app_minute_limit - whole_app.used(now_s, rolling=rolling),
        }
        return {name: str(max(0, value)) for name, value in left.items()}

    def reset_in(self, app: str, tenant: str, problem: Problem, now_s: float, switches: Switches) -> float | None:
        """Seconds until the limit lets a call through again; None for concurrent."""
        if problem == "concurrent":
            return None
        minute, day, whole_app = self._windows(app, tenant)
        window = {"minute": minute, "day": day, "appminute": whole_app}[problem]
        return max(window.reset_in(now_s, rolling=switches.window == "rolling"), 0.001)

    def _refusal(self, app: str, tenant: str, now_s: float, switches: Switches) -> Refused | None:
        minute, day, whole_app = self._windows(app, tenant)
        rolling = switches.window == "rolling"
        full: tuple[tuple[Problem, bool], ...] = (
            ("concurrent", self._running.get((app, tenant), 0) >= switches.concurrent_limit),
            ("day", day.used(now_s, rolling=rolling) >= switches.day_limit),
            ("minute", minute.used(now_s, rolling=rolling) >= switches.minute_limit),
            ("appminute", whole_app.used(now_s, rolling=rolling) >= switches.app_minute_limit),
        )
        problem = next((name for name, is_full in full if is_full), None)
        return None if problem is None else Refused(problem, self.reset_in(app, tenant, problem, now_s, switches))

    def _windows(self, app: str, tenant: str) -> tuple[Window, Window, Window]:
        key = (app, tenant)
        if key not in self._minutes:
            # "A fixed window which resets at different times for each tenant."
            phase = zlib.crc32(tenant.encode())
            self._minutes[key] = Window(MINUTE_S, phase % MINUTE_S)
            self._days[key] = Window(DAY_S, phase % DAY_S)
        if app not in self._apps:
            self._apps[app] = Window(MINUTE_S, 0)
        return self._minutes[key], self._days[key], self._apps[app]


def header_seconds(seconds: float, speed: float) -> str:
    """Retry-After in whole seconds of the client's clock, never less than what is left."""
    return str(max(1, math.ceil(seconds / speed)))
