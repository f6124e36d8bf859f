"""Why a command waits, and until when: one pure function for trace, audit and metrics.

What it waits for may itself wait for something else. `at_the_root` follows that to its end, so that whoever is behind a
dead letter says so, however many are between them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from schemas.states import CommandState, WaitReason

# An effect that ended without a document: who builds on it is told so at planning, and does not wait.
_ENDED: Final = ("posted", "same", "discarded")
# Sources tell of an order and its payment within minutes, in whatever order; sweeps and redeliveries take longer.
LATE: Final = timedelta(hours=1)
# What only a person ends; everything else ends by itself.
_STUCK: Final[frozenset[WaitReason]] = frozenset(
    {"dead_dependency", "dead_head", "question", "stop", "late_dependency", "version"}
)
_BEHIND_DEAD: Final[Mapping[WaitReason, WaitReason]] = {"lane": "dead_head", "dependency": "dead_dependency"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyFact:
    """An effect that the command builds on. `state` is that of its current `command`, None where none came yet."""

    effect_key: str
    linked: bool
    state: CommandState | None
    command: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitFacts:
    """What decides whether a pending command may go. `head` is the earliest unfinished command of its lane.

    `stop` and `question` are the reason of a stop that covers it and the id of an open question about it; `budget` is
    when the tenant may be called again; `filling`: until when its call waits at most to be filled; `since`: when the
    command was taken in.
    """

    tenant: str | None
    since: datetime | None = None
    known_type: bool = True
    question: str | None = None
    dependencies: Sequence[DependencyFact] = ()
    head: str | None = None
    head_state: CommandState | None = None
    head_question: str | None = None
    stop: str | None = None
    not_before: datetime | None = None
    cause_text: str | None = None
    budget: datetime | None = None
    filling: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """The reason, in words, and the earliest moment at which it can end where that is known. `behind` is the command
    that it waits for, if it is one."""

    reason: WaitReason
    text: str
    until: datetime | None = None
    behind: str | None = None


def why(facts: WaitFacts, now: datetime) -> Waiting:
    """Why a pending command is not sent at this moment. The first reason that holds is the one to act on."""
    if not facts.known_type:
        return Waiting("version", "no release that runs here knows its type: start a newer worker")
    if facts.question is not None:
        return Waiting("question", f"a person must answer: ledgerstream ask answer {facts.question}")
    return (
        _routing(facts, now)
        or _dependency(facts, now)
        or _lane(facts)
        or _brake(facts, now)
        or Waiting("ready", "its turn comes")
    )


def at_the_root(waiting: Waiting, others: Mapping[str, Waiting]) -> Waiting:
    """The waiting with what it comes to in the end, where only a person can end that. `others`: why other pending
    commands wait, by their ids."""
    root, passed = waiting, set[str]()
    while root.behind is not None and root.behind in others and root.behind not in passed:
        passed.add(root.behind)
        root = others[root.behind]
    if root is waiting or root.reason not in _STUCK:
        return waiting
    is_dead = root.reason in ("dead_dependency", "dead_head")
    reason = _BEHIND_DEAD.get(waiting.reason, waiting.reason) if is_dead else waiting.reason
    return replace(waiting, reason=reason, text=f"{waiting.text}, which waits: {root.text}")


def _routing(facts: WaitFacts, now: datetime) -> Waiting | None:
    if facts.tenant is not None:
        return None
    if _is_late(facts, now) and any(one.state is None for one in facts.dependencies):
        return _dependency(facts, now)
    return Waiting("routing", "what it builds on has not come, and only that says which organisation it belongs to")


def _dependency(facts: WaitFacts, now: datetime) -> Waiting | None:
    missing = [one for one in facts.dependencies if not one.linked and one.state not in _ENDED]
    for one in missing:
        if one.state == "rejected":
            return Waiting("dead_dependency", f"{one.effect_key} is a dead letter", behind=one.command)
    for one in missing:
        if one.state is not None:
            return Waiting("dependency", f"{one.effect_key} is not booked yet", behind=one.command)
    if not missing:
        return None
    key = missing[0].effect_key
    if facts.since is None or not _is_late(facts, now):
        return Waiting("dependency", f"no event told of {key} yet")
    hours = int((now - facts.since) / timedelta(hours=1))
    text = f"no event told of {key} for {hours} h: see whether its source sends it and was not refused"
    return Waiting("late_dependency", text)


def _is_late(facts: WaitFacts, now: datetime) -> bool:
    return facts.since is not None and now - facts.since >= LATE


def _lane(facts: WaitFacts) -> Waiting | None:
    if facts.head is None:
        return None
    if facts.head_question is not None:
        return Waiting("lane", f"{facts.head} is before it and waits for question {facts.head_question}")
    if facts.head_state == "rejected":
        return Waiting("dead_head", f"{facts.head} is before it and is a dead letter", behind=facts.head)
    return Waiting("lane", f"{facts.head} is before it", behind=facts.head)


def _brake(facts: WaitFacts, now: datetime) -> Waiting | None:
    if facts.stop is not None:
        return Waiting("stop", facts.stop)
    if facts.not_before is not None and facts.not_before > now:
        return Waiting("retry", facts.cause_text or "Xero asked us to come back later", facts.not_before)
    if facts.budget is not None and facts.budget > now:
        return Waiting("budget", "the calls that Xero allows are used up", facts.budget)
    if facts.filling is not None and facts.filling > now:
        text = "Xero's calls run short, so its call waits to be filled by others; full, it goes sooner"
        return Waiting("budget", text, facts.filling)
    return None
