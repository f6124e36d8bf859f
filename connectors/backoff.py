"""How long to wait before something that failed is tried again."""

from typing import Final

# Beyond that, every sensible longest wait is reached.
_DOUBLINGS_MAX: Final = 10


def backoff_s(failures: int, shortest_s: float, longest_s: float) -> float:
    """Seconds after so many failures in a row (one or more): each time twice as long, up to the longest."""
    return float(min(longest_s, shortest_s * 2 ** min(failures - 1, _DOUBLINGS_MAX)))
