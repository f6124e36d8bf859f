"""A ledger that was put back from a backup: what of its open writes Xero must be asked for first. Pure.

Such a write has no element, because nothing says that it was ever sent. Planning says what it would be now: what would
be made anew is looked for, because it may have been made after the backup, by this command or by a version that it
replaced. So is a change of a document whose earlier versions were told since: Xero may hold one of them, and what we
wrote must not pass for a person's edit. Everything else is decided from what Xero holds, and to do it twice changes
nothing (design 6 and 7.7).
"""

import datetime as dt
from collections.abc import Sequence
from typing import Final

import msgspec

from schemas.commands import UpsertContact, UpsertInvoice
from streams.core import plan
from streams.core.decide_contact import ALIAS, NAME_HINT
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
        versions = ((one, _made(_of_anybody(_anew(one)), rates)) for one in _told(item.command))
        older = [(one, made) for one, made in versions if made is not None]
        own = _made(_anew(item.command) if older else item.command, rates)
        # A cancellation makes nothing itself: what it calls off is looked for.
        write = own or next((made for _, made in reversed(older)), None)
        if write is not None:
            write = msgspec.structs.replace(write, command_id=item.command.command_id, step=RESTORED)
            told = tuple(Version(digest=one.digest, element=made.element) for one, made in older)
            looked_for.append(msgspec.structs.replace(item, write=write, older=told))
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


def _told(command: ReadyCommand) -> tuple[ReadyCommand, ...]:
    """The versions that Xero may hold besides the newest. No person gave a contact the alias that it gets from us where
    its own name is another's, so each version of a contact counts under both."""
    if not command.replaced:
        return ()
    named = (one for one in (*command.replaced, command) if isinstance(one.payload, UpsertContact))
    aliases = (msgspec.structs.replace(one, hints={**one.hints, NAME_HINT: ALIAS}) for one in named)
    return (*aliases, *command.replaced)


def _made(command: ReadyCommand, rates: Rates) -> PlannedWrite | None:
    """What the command would make anew; None if it makes nothing."""
    decision = plan.decided(command, rates)
    return decision.planned if isinstance(decision, Write) and decision.planned.step == _CREATE else None


def _anew(version: ReadyCommand) -> ReadyCommand:
    """The command as if nothing of its effect were booked: so all that it says is in the element."""
    effect = msgspec.structs.replace(version.effect, xero_id=None, document=None, posted_digest=None, posted_body=None)
    return msgspec.structs.replace(version, effect=effect)


def _of_anybody(version: ReadyCommand) -> ReadyCommand:
    """An invoice is found by its number, so also before its customer is known again."""
    if not isinstance(version.payload, UpsertInvoice):
        return version
    customers = tuple(msgspec.structs.replace(one, xero_id=one.xero_id or "") for one in version.depends_on)
    return msgspec.structs.replace(version, depends_on=customers)
