"""Which offset is safe to commit, whatever the order in which runs end."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.delivered import Delivered


@dataclass
class _Run:
    offset: int
    acked: bool = False


def _handed_out(delivered: Delivered[str], *offsets: int) -> list[_Run]:
    runs = [_Run(offset) for offset in offsets]
    for run in runs:
        delivered.add("p", run)
    return runs


def _finish(delivered: Delivered[str], run: _Run) -> None:
    run.acked = True
    delivered.settle("p")


def test_nothing_is_safe_before_the_first_run_ends() -> None:
    delivered: Delivered[str] = Delivered()
    _, second = _handed_out(delivered, 9, 19)
    _finish(delivered, second)
    assert delivered.safe_offset("p") is None
    assert delivered.partitions() == []
    assert delivered.under_way("p") == 2


def test_runs_that_ended_out_of_turn_count_when_those_before_them_end() -> None:
    delivered: Delivered[str] = Delivered()
    first, second, third, _ = _handed_out(delivered, 9, 14, 40, 41)
    _finish(delivered, third)
    _finish(delivered, first)
    assert delivered.safe_offset("p") == 10
    _finish(delivered, second)
    assert delivered.safe_offset("p") == 41
    assert delivered.under_way("p") == 1


def test_what_was_handed_out_before_a_seek_counts_no_more() -> None:
    delivered: Delivered[str] = Delivered()
    [late] = _handed_out(delivered, 99)
    delivered.forget()
    [again] = _handed_out(delivered, 49)
    _finish(delivered, late)
    assert delivered.safe_offset("p") is None
    _finish(delivered, again)
    assert delivered.safe_offset("p") == 50


@given(st.data())
def test_an_unfinished_run_is_never_passed(data: st.DataObject) -> None:
    steps = data.draw(st.lists(st.integers(1, 50), min_size=1, max_size=20))
    offsets = [sum(steps[: number + 1]) for number in range(len(steps))]
    delivered: Delivered[str] = Delivered()
    runs = _handed_out(delivered, *offsets)
    for run in data.draw(st.permutations(runs)):
        _finish(delivered, run)
        safe = delivered.safe_offset("p") or 0
        assert all(other.acked for other in runs if other.offset < safe)
        unfinished = [other.offset for other in runs if not other.acked]
        finished_before = [other.offset for other in runs if not unfinished or other.offset < unfinished[0]]
        assert safe == (finished_before[-1] + 1 if finished_before else 0)
