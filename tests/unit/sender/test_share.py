"""How many organisations a worker takes, keeps and gives away."""

import pytest

from streams.sender.share import Share


@pytest.mark.parametrize(
    ("tenants", "workers", "fair"), [(2, 1, 2), (2, 2, 1), (2, 3, 1), (10, 3, 4), (0, 3, 0), (5, 0, 5)]
)
def test_shares_are_as_large_as_the_others(tenants: int, workers: int, fair: int) -> None:
    assert Share(tenants=tenants, workers=workers).fair == fair
    assert fair * max(workers, 1) >= tenants


def test_a_worker_takes_until_it_has_its_share_and_gives_away_what_is_above_it() -> None:
    share = Share(tenants=6, workers=2, held=2)
    assert (share.is_full, share.is_over) == (False, False)
    share.held = 3
    assert (share.is_full, share.is_over) == (True, False)
    share.held = 5
    assert share.is_over
    share.leaving = 2
    assert not share.is_over
