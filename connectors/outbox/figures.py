"""How an outbox stands, for metrics and people."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

# A backlog is counted up to here: beyond it, counting costs the application's database more than it tells people.
COUNTED_MAX: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How an outbox stands. `waiting` and `rejected` are counted up to COUNTED_MAX; `leader` is None if nobody leads;
    `lapsed` is then who led last and never gave it up: it died, or cannot write. `error` is the last one that a poller
    met, at `error_at`."""

    waiting: int
    oldest: datetime | None
    rejected: int
    leader: str | None
    lapsed: str | None = None
    error: str | None
    error_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """A row that a person must mend, with its reason."""

    position: int
    id: str
    reason: str
    rejected_at: datetime | None
