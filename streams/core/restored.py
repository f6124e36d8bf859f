"""A ledger that was put back from a backup: what of its open writes Xero must be asked for first. Pure.

Such a write has no element, because nothing says that it was ever sent. Planning says what it would be now: what would
be made anew is looked for, because it may have been made after the backup, by this command or by a version that it
replaced; everything else is decided from what Xero holds, and to do it twice changes nothing (design 6 and 7.7).
"""

import datetime as dt
from collections.abc import Sequence
from typing import Final

import msgspec

from schemas.commands import UpsertInvoice
from streams.core import plan
from streams.core.decisions import READ_AFTER, Rates, Write
from streams.core.results import Back
from streams.core.situation import RESTORED, OpenWrite, PlannedWrite, ReadyCommand, Version

_CREATE: Final = "create"


def is_bare(item: OpenWrite) -> bool:
    """Whether it is not known yet what the write would be."""
    return item.write.step == RESTORED and not item.write.element


def planned(
    items: Sequence[OpenWrite], rates: Rates, now: dt.datetime
) -> tuple[tuple[OpenWrite, ...], tuple[Back, ...]]:
    """The writes to look for, with what they would be; and those that go back to planning at once."""
    looked_for: list[OpenWrite] = []
    back: list[Back] = []
    for item in items:
        older = [(one, write) for one in item.command.replaced if (write := _made(_of_anybody(one), rates))]
        # A cancellation makes nothing itself: what it calls off is looked for.
        write = _made(item.command, rates) or next((write for _, write in reversed(older)), None)
        if write is not None:
            write = msgspec.structs.replace(write, command_id=item.command.command_id, step=RESTORED)
            versions = tuple(Version(digest=one.digest, element=made.element) for one, made in older)
            looked_for.append(msgspec.structs.replace(item, write=write, older=versions))
        else:
            back.append(
                Back(
                    command_id=item.command.command_id,
                    cause="transient",
                    reason="a backup was put back: it is decided from what Xero holds now",
                    hints={READ_AFTER: now.isoformat()},
                )
            )
    return tuple(looked_for), tuple(back)


def _made(command: ReadyCommand, rates: Rates) -> PlannedWrite | None:
    """What the command would make anew; None if it makes nothing."""
    decision = plan.decided(command, rates)
    return decision.planned if isinstance(decision, Write) and decision.planned.step == _CREATE else None


def _of_anybody(version: ReadyCommand) -> ReadyCommand:
    """An invoice is found by its number, so also before its customer is known again."""
    if not isinstance(version.payload, UpsertInvoice):
        return version
    customers = tuple(msgspec.structs.replace(one, xero_id=one.xero_id or "") for one in version.depends_on)
    return msgspec.structs.replace(version, depends_on=customers)
