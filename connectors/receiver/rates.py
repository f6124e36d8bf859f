"""How often a source may come: a minute's worth at once, and from then on as fast as that is filled again."""

import math
from typing import Final

from connectors.base import SourceConfig

_MINUTE_S: Final = 60.0


class Rates:
    """What each source may still send. The sources are configured ones, so there are never more than of those."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, source: SourceConfig, elapsed_s: float) -> int:
        """Counts one request of the source at this time of the clock and gives 0; or counts nothing, where it is one
        too many, and gives the whole seconds until the next may come."""
        most = source.requests_per_minute
        left, before_s = self._left.get(source.name, (float(most), elapsed_s))
        left = min(float(most), left + (elapsed_s - before_s) * most / _MINUTE_S)
        enough = left >= 1
        self._left[source.name] = left - 1 if enough else left, elapsed_s
        return 0 if enough else math.ceil((1 - left) * _MINUTE_S / most)
