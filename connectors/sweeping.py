"""Sweeps: a source's API is asked what changed, because webhooks get lost, and nobody tells of those that are.

What a sweep finds goes into the topic `raw`, one record an object, and through the connector's `normalise` like a
webhook. So the fact that both tell is one effect, whichever comes first (design, words: "Sweep").
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from connectors.base import SourceConfig
from connectors.fetching import Fetcher, SourceRefused
from schemas.codec import shorten
from schemas.raw import RawRecord

# How far a source is looked back that was never swept.
FIRST_LOOK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one request found. `cursor` is where the next one goes on, in the connector's own words; it is kept only
    when Kafka has the records. `more`: there is more up to the same time, to be asked for at once."""

    records: tuple[RawRecord, ...]
    cursor: str
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What the source says of its webhooks to us: whether they are `active`, and in `words` what is wrong or what was
    `repaired`."""

    active: bool
    words: str
    repaired: bool = False


class Sweeper(Protocol):
    """One source's API. Raises SourceUnavailable and SourceRefused (connectors.fetching)."""

    async def page(self, cursor: str | None, until: datetime) -> Page:
        """What changed since the cursor and before `until`, in the order of change, with an overlap: what was found
        before may come again. `cursor` is None for a source that was never swept: then a week is looked back.
        """
        ...

    async def subscription(self) -> Subscription | None:
        """The state of our webhooks there, repaired where the API can do it; None where the source does not tell."""
        ...


def foreign(cursor: str) -> SourceRefused:
    """What a sweeper raises for a cursor that it cannot have written."""
    return SourceRefused(
        f"the cursor of the sweep is {shorten(cursor)}, which this release did not write",
        "Delete the source's row in the ledger's table of sweeps: it is swept from a week ago on.",
    )


MakeSweeper = Callable[[SourceConfig, Fetcher], Sweeper]
"""Called once per source that has an `api`."""
