"""When a delivery that was not taken comes again. Pure.

Xero retries with decreasing frequency for 24 hours, then it disables the webhook; its exact times are not published.
"""

from typing import Final

RETRIED_FOR_S: Final = 24 * 3600.0
_DELAYS_S: Final = (5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)


def next_delay_s(tries: int, since_first_s: float) -> float | None:
    """Seconds from the last of `tries` to the next, the very last of which is 24 h after the first; then None."""
    left_s = RETRIED_FOR_S - since_first_s
    if left_s <= 0:
        return None
    return min(_DELAYS_S[min(tries, len(_DELAYS_S)) - 1], left_s)
