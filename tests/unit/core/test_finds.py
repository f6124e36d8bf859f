"""What only the sweep found says whether webhooks come."""

import pytest

from streams.core.finds import Finds


@pytest.mark.parametrize(
    ("events", "by_sweep", "share", "fail"),
    [
        (0, 0, None, False),
        # One or two get lost.
        (2, 2, 1.0, False),
        (3, 3, 1.0, True),
        (8, 4, 0.5, True),
        (9, 4, 4 / 9, False),
        (100, 0, 0.0, False),
    ],
)
def test_many_that_no_webhook_brought(events: int, by_sweep: int, share: float | None, fail: bool) -> None:
    finds = Finds(events=events, by_sweep=by_sweep)
    assert (finds.share, finds.webhooks_fail) == (share, fail)


def test_it_is_told_with_its_numbers() -> None:
    assert Finds(events=5, by_sweep=4).words.startswith(
        "4 of the 5 events of the last 24 hours were found by the sweep"
    )
