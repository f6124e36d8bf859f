"""What is ready for an organisation: read seldom, because one reading is enough for several calls.

What of a reading was not sent is planned on from there. The opening of each call asks the ledger whether its commands
are still as they were read. Only commands that make a new document are kept: their plan looks at no document, which
another call may change meanwhile.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from streams.core.decisions import BATCH_MAX
from streams.core.situation import ReadyCommand, Situation
from streams.sender.parts import Parts

# Enough for five full calls, few enough to be read and decided in some milliseconds.
_READY_MAX: Final = 250
# What another process does (a replay, an answer, a stop) rings nobody here: it is seen after so long.
KEPT_S: Final = 2.0
_LOOKS_AT_ANOTHER: Final = "UpsertCreditNote"


class Outlook:
    """The ready commands of one organisation, as its sender sees them."""

    def __init__(self, parts: Parts, tenant: str) -> None:
        self._parts = parts
        self._tenant = tenant
        self._kept: Situation | None = None
        self._began_s = 0.0

    async def situation(self) -> Situation:
        """What was ready, at most KEPT_S ago, and what may be called now."""
        ledger, clock = self._parts.ledger, self._parts.clock
        kept = self._kept
        if kept is not None and clock.elapsed() - self._began_s <= KEPT_S:
            budget = await ledger.calls.budget(self._tenant)
            return msgspec.structs.replace(kept, now=clock.now(), budget=budget)
        self._kept = None
        self._began_s = clock.elapsed()
        return await ledger.situation.read(self._tenant, _READY_MAX)

    def forget(self) -> None:
        """Something changed: the next look is a new reading."""
        self._kept = None

    def keep(self, situation: Situation, done: Iterable[str]) -> None:
        """Go on with what is left of the situation when the commands `done` are sent or settled.

        Less than a call full is not kept: what became ready meanwhile may go along.
        """
        gone = set(done)
        rest = tuple(one for one in situation.ready if one.command_id not in gone and _makes_anew(one))
        self._kept = msgspec.structs.replace(situation, ready=rest) if len(rest) >= BATCH_MAX else None


def _makes_anew(command: ReadyCommand) -> bool:
    return command.effect.xero_id is None and command.kind != _LOOKS_AT_ANOTHER
