"""The named points between two steps of a call. A test kills the process at each of them; nothing else uses them."""

from collections.abc import Callable
from typing import Final, Literal, get_args

Point = Literal[
    "planned",  # decided, and nothing of it written
    "opened",  # the call is written ahead, and its request has not left
    "answered",  # Xero has answered, and nobody has noted it
    "noted",  # that it answered is noted, and not what came of it
    "settled",  # what came of it is written
    "resent",  # the same for a request that was sent again
    "looked",  # Xero was looked at, and nothing of it written
]
POINTS: Final[tuple[Point, ...]] = get_args(Point)

Gate = Callable[[Point], None]


def open_gate(point: Point) -> None:
    """Every worker's: it lets everything pass. No setting puts another in its place."""
