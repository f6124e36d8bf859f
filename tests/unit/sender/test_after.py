"""The table of unknown outcomes, row by row."""

import datetime as dt

import pytest

from streams.core.after import Look, Next, Patience, Resend, after
from streams.core.situation import OpenCall
from tests.unit.sender.values import NOW

PATIENCE = Patience()


def seconds(amount: float) -> dt.timedelta:
    return dt.timedelta(seconds=amount)


def call(*sends: tuple[float, int | None], looks: int = 0, next_look_at: dt.datetime | None = None) -> OpenCall:
    """`sends`: (seconds ago, status)."""
    made = tuple((NOW - seconds(ago), status) for ago, status in sends)
    return OpenCall(
        call=1,
        tenant="uk",
        method="PUT",
        path="/Invoices",
        query=(),
        body=b"{}",
        idempotency_key="k",
        opened_at=made[0][0],
        sends=made,
        looks=looks,
        next_look_at=next_look_at,
        writes=(),
    )


ROWS: list[tuple[str, OpenCall, Next]] = [
    ("no answer: the same again, soon", call((0, None)), Resend(NOW + seconds(1))),
    ("no answer of a worker that died", call((40, None)), Resend(NOW)),
    ("an answer that was lost with the process", call((10, 200)), Resend(NOW)),
    ("a gateway gave up", call((0, 502)), Resend(NOW + seconds(1))),
    ("the key is in flight", call((0, 409)), Resend(NOW + seconds(1))),
    ("the second time later", call((6, None), (1, None)), Resend(NOW + seconds(4))),
    (
        "enough resends: look when nothing can be at work",
        call((9, None), (8, None), (6, None), (1, 504)),
        Look(NOW + seconds(59)),
    ),
    ("too old for its key", call((275, None)), Look(NOW)),
    ("only ever shut out, and too old for its key", call((400, 429)), Look(NOW)),
    ("far too old: a backup that came back", call((90_000, None)), Look(NOW)),
    ("an error of Xero's own is repeated by its key", call((0, 500)), Look(NOW + seconds(2))),
    ("the organisation was offline", call((1, 503)), Look(NOW + seconds(1))),
    ("an error after a send that nobody answered", call((2, None), (0, 500)), Resend(NOW + seconds(5))),
    ("a limit decides nothing on a resend", call((2, None), (0, 429)), Resend(NOW + seconds(5))),
    (
        "looked once: again when it was said",
        call((400, None), looks=1, next_look_at=NOW + seconds(30)),
        Look(NOW + seconds(30)),
    ),
]


@pytest.mark.parametrize(("name", "open_call", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_row(name: str, open_call: OpenCall, expected: Next) -> None:
    assert after(open_call, PATIENCE, NOW) == expected


def test_a_resend_always_ends_before_five_minutes() -> None:
    for ago in range(400):
        step = after(call((ago, None)), PATIENCE, NOW)
        if isinstance(step, Resend):
            assert step.at + seconds(PATIENCE.timeout_s) < NOW - seconds(ago) + seconds(300)


def test_xero_that_says_nothing_is_asked_less_and_less_often() -> None:
    waits = [(PATIENCE.look_again_at(NOW, looks) - NOW).total_seconds() for looks in range(7)]
    assert waits == [30, 60, 120, 240, 480, 600, 600]
