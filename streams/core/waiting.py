"""Why a command waits, and until when: one pure function for trace, audit and metrics."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.states import CommandState, WaitReason

_DEAD = ("rejected", "discarded")


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyFact:
    """An effect that the command builds on. `state` is that of its current command, None where none came yet."""

    effect_key: str
    linked: bool
    state: CommandState | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitFacts:
    """What decides whether a pending command may go. `head` is the earliest unfinished command of its lane.

    `stop` and `question` are the reason of a stop that covers it and the id of an open question about it; `budget` is
    when the tenant may be called again.
    """

    tenant: str | None
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


@dataclass(frozen=True, slots=True)
class Waiting:
    """The reason, in words, and the earliest moment at which it can end where that is known."""

    reason: WaitReason
    text: str
    until: datetime | None = None


def why(facts: WaitFacts, now: datetime) -> Waiting:
    """Why a pending command is not sent at this moment. The first reason that holds is the one to act on."""
    if not facts.known_type:
        return Waiting("version", "no release that runs here knows its type: start a newer worker")
    if facts.question is not None:
        return Waiting("question", f"a person must answer: ledgerstream ask answer {facts.question}")
    return (
        _routing(facts)
        or _dependency(facts.dependencies)
        or _lane(facts)
        or _brake(facts, now)
        or Waiting("ready", "its turn comes")
    )


def _routing(facts: WaitFacts) -> Waiting | None:
    if facts.tenant is not None:
        return None
    return Waiting("routing", "what it builds on has not come, and only that says which organisation it belongs to")


def _dependency(dependencies: Sequence[DependencyFact]) -> Waiting | None:
    missing = [one for one in dependencies if not one.linked]
    for one in missing:
        if one.state in _DEAD:
            word = "is a dead letter" if one.state == "rejected" else "was discarded"
            return Waiting("dead_dependency", f"{one.effect_key} {word}")
        if one.state in ("posted", "same"):
            return Waiting("dead_dependency", f"{one.effect_key} was cancelled before it was booked")
    for one in missing:
        if one.state is not None:
            return Waiting("dependency", f"{one.effect_key} is not booked yet")
    if missing:
        return Waiting("dependency", f"no event told of {missing[0].effect_key} yet")
    return None


def _lane(facts: WaitFacts) -> Waiting | None:
    if facts.head is None:
        return None
    if facts.head_question is not None:
        return Waiting("lane", f"{facts.head} is before it and waits for question {facts.head_question}")
    if facts.head_state == "rejected":
        return Waiting("dead_head", f"{facts.head} is before it and is a dead letter")
    return Waiting("lane", f"{facts.head} is before it")


def _brake(facts: WaitFacts, now: datetime) -> Waiting | None:
    if facts.stop is not None:
        return Waiting("stop", facts.stop)
    if facts.not_before is not None and facts.not_before > now:
        return Waiting("retry", facts.cause_text or "Xero asked us to come back later", facts.not_before)
    if facts.budget is not None and facts.budget > now:
        return Waiting("budget", "the calls that Xero allows are used up", facts.budget)
    return None
