"""What to do next about a call without a settled outcome: the table of design 7.7 as a pure function."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

from streams.core.situation import OpenCall


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things are waited for. `resend_within_s`: a key lives 6 minutes, so a resend must have ended before 5.

    `timeout_s` is a call's whole time. Where Xero does not say what it holds, it is asked again after `look_again_s`,
    doubled each time up to `look_again_s_max`.
    """

    timeout_s: float = 30.0
    resend_within_s: float = 300.0
    resend_after_s: tuple[float, ...] = (1.0, 5.0, 20.0)
    look_after_error_s: float = 2.0
    look_again_s: float = 30.0
    look_again_s_max: float = 600.0

    def look_again_at(self, now: dt.datetime, looks: int) -> dt.datetime:
        """When to look once more, after so many looks that told nothing."""
        return now + dt.timedelta(seconds=min(self.look_again_s * 2 ** min(looks, 10), self.look_again_s_max))


@dataclass(frozen=True, slots=True)
class Resend:
    """The same bytes under the same key, not before `at`."""

    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Look:
    """Ask Xero what is there, not before `at`."""

    at: dt.datetime


Next = Resend | Look

# The error came from Xero itself, and its key repeats it: to send it again tells nothing new.
_REPEATED: Final = frozenset({500, 503})
# Answers after which nothing of that send is still at work.
_OVER: Final = _REPEATED | {401, 403, 429}


def after(call: OpenCall, patience: Patience, now: dt.datetime) -> Next:
    """The next step of a call that stands open. `call.sends` has at least one send. When its moment has come, and
    however long it took to come, it must be asked for anew: a key may have died meanwhile.

    A send without a status was answered by nobody, as far as anybody knows; the process may have died with the answer.
    """
    last_sent, last_status = call.sends[-1]
    resends = len(call.sends) - 1
    if call.looks:
        return Look(call.next_look_at or now)
    if last_status in _REPEATED and all(status in _OVER for _, status in call.sends):
        return Look(max(now, last_sent + dt.timedelta(seconds=patience.look_after_error_s)))
    if resends < len(patience.resend_after_s):
        at = max(now, last_sent + dt.timedelta(seconds=patience.resend_after_s[resends]))
        if key_lives(call, patience, at):
            return Resend(at)
    # A late answer of the backend could still be at work: what is not there yet may come.
    return Look(max(now, _last_unanswered(call) + 2 * dt.timedelta(seconds=patience.timeout_s)))


def key_lives(call: OpenCall, patience: Patience, at: dt.datetime) -> bool:
    """Whether the same request under its key may leave at `at`, because it ends before the key is forgotten."""
    ends = at + dt.timedelta(seconds=patience.timeout_s)
    return ends < call.sends[0][0] + dt.timedelta(seconds=patience.resend_within_s)


def _last_unanswered(call: OpenCall) -> dt.datetime:
    """The latest that a request without an answer can have left.

    A worker that took the tenant over goes by its own time only: whatever the clock said before, the one that sent may
    have been about to send until then.
    """
    unanswered = [at for at, status in call.sends if status not in _OVER]
    if not unanswered:
        return call.sends[0][0]
    return max(*unanswered, call.owned_since or unanswered[0])
