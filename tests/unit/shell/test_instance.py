"""Each worker of a machine has a place of its own, which the next one gets when it ends; its name nobody gets again."""

from pathlib import Path

from streams.instance import instance


def test_workers_beside_each_other_have_places_and_names_of_their_own(tmp_path: Path) -> None:
    with instance(tmp_path) as first, instance(tmp_path) as second, instance(tmp_path / "elsewhere") as third:
        assert (first.number, second.number, third.number) == (0, 1, 0)
        assert first.member != second.member
        assert len({first.owner, second.owner, third.owner}) == 3


def test_the_next_worker_gets_the_place_and_another_name(tmp_path: Path) -> None:
    with instance(tmp_path) as first:
        pass
    with instance(tmp_path) as second:
        assert (second.number, second.member) == (first.number, first.member)
        assert second.owner != first.owner
