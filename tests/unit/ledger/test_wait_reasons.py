"""Why a command waits: each reason, and which of several is named."""

import datetime as dt
from collections.abc import Sequence

import pytest

from schemas.states import WaitReason
from streams.core.waiting import LATE, DependencyFact, WaitFacts, Waiting, at_the_root, why

NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(minutes=5)
POSTED = DependencyFact(effect_key="e", linked=True, state="posted")


def one(**fact: object) -> Sequence[DependencyFact]:
    return [DependencyFact(effect_key="e", **{"linked": False, "state": None, **fact})]  # type: ignore[arg-type]  # literals


@pytest.mark.parametrize(
    ("facts", "reason", "word"),
    [
        (WaitFacts(tenant="uk"), "ready", "turn"),
        (WaitFacts(tenant="uk", dependencies=[POSTED]), "ready", "turn"),
        (WaitFacts(tenant="uk", known_type=False), "version", "newer worker"),
        (WaitFacts(tenant=None, dependencies=one()), "routing", "organisation"),
        (WaitFacts(tenant="uk", dependencies=one()), "dependency", "no event"),
        (WaitFacts(tenant="uk", since=NOW - LATE, dependencies=one()), "late_dependency", "for 1 h"),
        (WaitFacts(tenant=None, since=NOW - 5 * LATE, dependencies=one()), "late_dependency", "for 5 h"),
        (WaitFacts(tenant=None, since=NOW - LATE), "routing", "organisation"),
        (WaitFacts(tenant="uk", since=NOW - LATE, dependencies=one(state="pending")), "dependency", "not booked"),
        (WaitFacts(tenant="uk", dependencies=one(state="pending")), "dependency", "not booked"),
        (WaitFacts(tenant="uk", dependencies=one(state="rejected")), "dead_dependency", "dead letter"),
        (WaitFacts(tenant="uk", dependencies=one(state="discarded")), "ready", "turn"),
        (WaitFacts(tenant="uk", dependencies=one(state="posted")), "ready", "turn"),
        (WaitFacts(tenant="uk", head="c0", head_state="pending"), "lane", "c0 is before it"),
        (WaitFacts(tenant="uk", head="c0", head_state="posted", head_question="q1"), "lane", "question q1"),
        (WaitFacts(tenant="uk", head="c0", head_state="rejected"), "dead_head", "dead letter"),
        (WaitFacts(tenant="uk", question="q1", stop="stopped"), "question", "ask answer q1"),
        (WaitFacts(tenant="uk", stop="stopped by ann: audit"), "stop", "ann"),
        (WaitFacts(tenant="uk", not_before=LATER), "retry", "come back"),
        (WaitFacts(tenant="uk", not_before=NOW), "ready", "turn"),
        (WaitFacts(tenant="uk", budget=LATER), "budget", "used up"),
        (WaitFacts(tenant="uk", filling=LATER), "budget", "waits to be filled"),
        (WaitFacts(tenant="uk", filling=NOW), "ready", "turn"),
    ],
)
def test_reasons(facts: WaitFacts, reason: WaitReason, word: str) -> None:
    waiting = why(facts, NOW)
    assert waiting.reason == reason
    assert word in waiting.text


def test_only_what_the_clock_ends_has_an_end() -> None:
    assert why(WaitFacts(tenant="uk", not_before=LATER), NOW).until == LATER
    assert why(WaitFacts(tenant="uk", budget=LATER), NOW).until == LATER
    assert why(WaitFacts(tenant="uk", filling=LATER), NOW).until == LATER
    assert why(WaitFacts(tenant="uk", stop="stopped"), NOW).until is None


def test_a_dead_dependency_is_named_before_one_that_is_only_late() -> None:
    late = DependencyFact(effect_key="late", linked=False, state="pending")
    dead = DependencyFact(effect_key="dead", linked=False, state="rejected")
    assert why(WaitFacts(tenant="uk", dependencies=[late, dead]), NOW).reason == "dead_dependency"


DEAD = Waiting("dead_dependency", "the contact is a dead letter")


@pytest.mark.parametrize(
    ("own", "others", "reason", "words"),
    [
        (Waiting("dependency", "A", behind="a"), {"a": DEAD}, "dead_dependency", "A, which waits: the contact"),
        (Waiting("lane", "A", behind="a"), {"a": DEAD}, "dead_head", "A, which waits: the contact"),
        (
            Waiting("dependency", "A", behind="a"),
            {"a": Waiting("lane", "B", behind="b"), "b": Waiting("question", "ask answer q1")},
            "dependency",
            "A, which waits: ask answer q1",
        ),
        (Waiting("dependency", "A", behind="a"), {"a": Waiting("stop", "stopped by ann")}, "dependency", "by ann"),
        (Waiting("dependency", "A", behind="a"), {"a": Waiting("budget", "used up")}, "dependency", "A"),
        (Waiting("dependency", "A", behind="a"), {}, "dependency", "A"),
        (Waiting("lane", "A", behind="a"), {"a": Waiting("lane", "B", behind="a")}, "lane", "A"),
    ],
)
def test_who_is_behind_something_stuck_says_so(
    own: Waiting, others: dict[str, Waiting], reason: WaitReason, words: str
) -> None:
    found = at_the_root(own, others)
    assert (found.reason, words in found.text) == (reason, True)
