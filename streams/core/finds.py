"""Whether a source's webhooks come, by what only the sweep of its API found. Pure."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

WINDOW: Final = dt.timedelta(hours=24)
# A webhook or two gets lost, and a night without our receiver loses some more.
_FEW: Final = 3
_MUCH: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Finds:
    """The events of a source within the last 24 hours that told something new, and how many of them its sweep brought
    before, or without, any webhook."""

    events: int
    by_sweep: int

    @property
    def share(self) -> float | None:
        """Which part of them the sweep brought; None where there were none."""
        return self.by_sweep / self.events if self.events else None

    @property
    def webhooks_fail(self) -> bool:
        return self.by_sweep >= _FEW and self.by_sweep >= _MUCH * self.events

    @property
    def words(self) -> str:
        """What is wrong and what to do, where they fail."""
        return (
            f"{self.by_sweep} of the {self.events} events of the last 24 hours were found by the sweep, so its "
            "webhooks do not come, or late. Look there what became of their deliveries, whether it has the receiver's "
            "address, and whether that answers from outside; the sweep goes on meanwhile."
        )
