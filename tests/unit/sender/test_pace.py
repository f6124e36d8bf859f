"""How long calls wait to be filled, and that nobody waits for ever."""

import datetime as dt
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streams.core import pace
from streams.core.plan import ReadDocuments, SendWrites, Wait, next_step
from streams.core.situation import Budget, ReadyCommand
from tests.unit.sender.test_plan import ids, order, person, update
from tests.unit.sender.values import NOW, RATES, budget, invoice, link, payment, ready, replaced, situation

HOUR = dt.timedelta(hours=1)
BUDGETS = st.builds(
    lambda minute, day, hour: budget(minute_left=minute, day_left=day, hour_used=hour),
    st.integers(0, 60),
    st.integers(0, 5000),
    st.integers(0, 3600),
)


def seconds(amount: float) -> dt.timedelta:
    return dt.timedelta(seconds=amount)


def held(given: Budget, *, is_full: bool = False, target_s: float = 120) -> float:
    """For how many seconds a call waits whose head has just become ready."""
    head = replaced(ready(invoice()), ready_since=NOW, due=NOW + seconds(target_s))
    until = pace.hold(given, head, NOW, is_full=is_full)
    return 0.0 if until is None else (until - NOW).total_seconds()


def test_calls_go_at_once_while_there_are_enough() -> None:
    assert held(budget()) == 0
    assert held(budget(minute_left=30, hour_used=80, day_left=1000)) == 0
    # Within a minute there are slots again.
    assert held(budget(minute_left=0)) == 10


def test_an_hours_share_that_is_used_up_makes_calls_fill() -> None:
    # 5,000 a day less a fifth are 167 an hour, one every 22 s.
    assert held(budget(hour_used=167)) == 12 * 3600 * 24 / 4000
    assert held(budget(hour_used=125, day_left=3000)) == held(budget(hour_used=167)) / 2
    # 1,000 a day are 33 an hour, one every 108 s.
    assert held(budget(hour_used=34, day_limit=1000, day_left=700)) == 12 * 3600 * 24 / 800


def test_while_the_day_allows_the_pace_nothing_waits_for_longer_than_its_class_may() -> None:
    # 4,868 less the reserve of 1,000 are 161 in each of 24 hours.
    assert held(budget(hour_used=100, day_left=4868)) == 0
    assert 0 < held(budget(hour_used=132, day_left=4868), target_s=60) < 20
    assert held(budget(hour_used=161, day_left=4868), target_s=60) < 60
    assert held(budget(hour_used=162, day_left=4868), target_s=60) > 200


def test_the_day_holds_back_what_came_just_now_and_not_each_step_of_it() -> None:
    scarce = budget(hour_used=34, day_limit=1000, day_left=700)
    came = replaced(ready(invoice()), taken_in=NOW - seconds(1296), ready_since=NOW, due=NOW + seconds(120))
    assert pace.hold(scarce, came, NOW, is_full=False) is None
    just_now = replaced(came, taken_in=NOW - seconds(1295))
    assert pace.hold(scarce, just_now, NOW, is_full=False) == NOW + seconds(1)
    # Within a minute there are slots again: what is ready together is sent together.
    assert pace.hold(budget(minute_left=0), came, NOW, is_full=False) == NOW + seconds(10)


def test_what_others_left_us_is_stretched() -> None:
    assert held(budget(day_left=500)) == 1800
    assert held(budget(day_left=0)) == 3600


def test_full_calls_and_people_never_wait() -> None:
    none = budget(minute_left=0, day_left=0, hour_used=5000)
    assert held(none, is_full=True) == 0
    assert held(none, target_s=0) == 0


@given(BUDGETS)
def test_the_scarcer_the_longer_but_never_longer_than_an_hour(given_budget: Budget) -> None:
    now = held(given_budget)
    assert 0 <= now <= 3600
    scarcer: dict[str, Any] = {
        "minute_left": max(given_budget.minute_left - 1, 0),
        "day_left": max(given_budget.day_left - 1, 0),
        "hour_used": given_budget.hour_used + 1,
    }
    assert held(budget(**scarcer)) >= now


def test_a_call_that_fills_up_does_not_hold_up_another_one() -> None:
    """A payment that waits for others must not keep a full call of invoices at home."""
    paid = ready(payment(), link("stripe-1:payment:1#payment"), command_id="paid", due=NOW + seconds(60))
    orders = [order(100 + place) for place in range(50)]
    scarce: dict[str, Any] = {"day_left": 100}
    assert len(ids(next_step(situation(paid, *orders, **scarce), RATES))) == 50
    alone = next_step(situation(paid, *orders[:49], **scarce), RATES)
    assert isinstance(alone, Wait)
    assert ids(next_step(situation(paid, *orders[:49]), RATES)) == ["paid"]


def test_reads_before_a_decision_are_filled_too() -> None:
    few = next_step(situation(update(1), update(2), day_left=100), RATES)
    assert isinstance(few, Wait)
    many = next_step(situation(*(update(place) for place in range(50)), day_left=100), RATES)
    assert isinstance(many, ReadDocuments)


def test_a_persons_command_is_the_next_call_whatever_waits_and_says_so() -> None:
    mine = replaced(order(3), due=NOW - seconds(1), ready_since=NOW - seconds(1))
    backlog = [person(place, f"Name {place}") for place in range(1, 201)]
    for scarce in ({}, {"minute_left": 1, "day_left": 60, "hour_used": 900}):
        step = next_step(situation(*backlog, mine, **scarce), RATES)
        assert isinstance(step, SendWrites)
        assert (ids(step), step.is_urgent) == (["order-3"], True)
        nobody = next_step(situation(*backlog, **scarce), RATES)
        assert isinstance(nobody, SendWrites)
        assert not nobody.is_urgent
    read = next_step(situation(replaced(update(3), due=NOW, ready_since=NOW)), RATES)
    assert isinstance(read, ReadDocuments)
    assert read.is_urgent


_kinds = st.sampled_from(["order", "person", "payment"])


@given(st.lists(st.tuples(_kinds, st.integers(0, 300), st.integers(0, 300)), min_size=1, max_size=60), BUDGETS)
def test_nothing_starves_whatever_is_left(rows: list[tuple[str, int, int]], left: Budget) -> None:
    """Only time passes; each command goes within an hour after it is ready, as long as a call can go at all."""
    waiting = {command.command_id: command for command in map(_made, range(len(rows)), rows)}
    now = NOW + seconds(300)
    for _ in range(2 * len(rows)):
        if not waiting:
            break
        step = next_step(replaced_situation(waiting.values(), left, now), RATES)
        if isinstance(step, Wait):
            assert step.until is not None
            assert step.until > now
            now = step.until
            continue
        for sent in ids(step):
            assert now - waiting[sent].ready_since <= HOUR + seconds(300)
            del waiting[sent]
    assert not waiting


def replaced_situation(commands: Any, left: Budget, now: dt.datetime) -> Any:
    return msgspec.structs.replace(situation(*commands), budget=left, now=now)


def _made(place: int, row: tuple[str, int, int]) -> ReadyCommand:
    kind, since, target = row
    made = {
        "order": order(place),
        "person": person(place, f"Name {place}"),
        "payment": ready(payment(), link(f"stripe-1:payment:{place}#payment")),
    }[kind]
    ready_since = NOW + seconds(since)
    due = ready_since + seconds(target)
    return replaced(made, command_id=f"c{place:03}", taken_in=ready_since, ready_since=ready_since, due=due)
