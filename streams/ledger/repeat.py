"""Work that begins anew when another transaction was quicker or the connection broke, within limits.

Every method of the ledger's facade opens and ends its own transactions, and nothing of a transaction that failed is
there. So the whole method may run again; it reads everything anew. What was committed is never repeated: where the
answer to a commit was lost, `Store` first reads back what became of it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

from sqlalchemy.exc import IntegrityError

from streams.ledger.errors import LedgerUnavailable
from streams.ledger.faults import is_conflict

P = ParamSpec("P")
T = TypeVar("T")

# A planned restart of the server, or the change to a standby, ends within this time.
AWAY_MAX_S: Final = 30.0
_AWAY_PAUSES_S: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
# A row that is at fault conflicts every time, so it is not tried for long.
_CONFLICT_PAUSES_S: Final = (0.0, 0.01, 0.03, 0.1)


class TryAgain(LedgerUnavailable):
    """Nothing of the transaction was written, and the same work may succeed now. `away`: no server answered."""

    def __init__(self, message: str, *, away: bool) -> None:
        super().__init__(message)
        self.away = away


class _Patience:
    """How long one piece of work is tried."""

    def __init__(self) -> None:
        self._away_until: float | None = None
        self._away = 0
        self._conflicts = 0

    def pause_after(self, error: TryAgain | IntegrityError) -> float | None:
        """Seconds until the next try; None if there is none."""
        if isinstance(error, TryAgain) and error.away:
            return self._pause_away()
        if isinstance(error, IntegrityError) and not is_conflict(error):
            return None
        self._conflicts += 1
        pauses = _CONFLICT_PAUSES_S[self._conflicts - 1 :]
        return pauses[0] if pauses else None

    def _pause_away(self) -> float | None:
        now = time.monotonic()
        self._away_until = self._away_until or now + AWAY_MAX_S
        pause = _AWAY_PAUSES_S[min(self._away, len(_AWAY_PAUSES_S) - 1)]
        self._away += 1
        return pause if now + pause <= self._away_until else None


def repeated(method: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Let the method begin anew after a conflict (a few times) or a lost connection (for half a minute).

    Then its last error is raised: LedgerUnavailable, or IntegrityError for rows that are at fault themselves.
    """

    @wraps(method)
    async def repeat(*args: P.args, **kwargs: P.kwargs) -> T:
        patience = _Patience()
        while True:
            try:
                return await method(*args, **kwargs)
            except (TryAgain, IntegrityError) as error:
                pause = patience.pause_after(error)
                if pause is None:
                    raise
            await asyncio.sleep(pause)

    return repeat
