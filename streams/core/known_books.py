"""What is known of an organisation's settings in Xero, and what they forbid, before Xero refuses it. Pure.

A refusal costs a call, and a closed period is the accountant's word: with an adviser's connection Xero would write into
it without asking (facts 5). What is known may be hours old, so it is read anew before anything is refused by it.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from connectors.xero import refusals
from connectors.xero.refusals import RefusalKind
from connectors.xero.wire import day
from streams.core.decisions import Waits, Write
from streams.core.results import Rejected
from streams.core.situation import Document, ReadyCommand

# Newer than that, what is known is believed.
FRESH: Final = dt.timedelta(minutes=10)
READ_ANEW: Final = "Xero's settings seem to forbid it; they are read anew first"
_AGAIN_S: Final = 5
_LOCKS: Final = ("PeriodLockDate", "EndOfYearLockDate")


class KnownBooks(msgspec.Struct, frozen=True, kw_only=True):
    """`locked_until` is the last day of the locked period, as 2026-03-31; `archived` are the codes of accounts that
    are archived. Both were read at `read_at`."""

    locked_until: str | None
    archived: frozenset[str]
    read_at: dt.datetime


def known(settings: Iterable[Document]) -> KnownBooks | None:
    """What the organisation's own record and its accounts say; None where they were not read yet."""
    found = list(settings)
    if {one.resource for one in found} < {"Organisations", "Accounts"}:
        return None
    locks = [
        lock for one in found if one.resource == "Organisations" for name in _LOCKS if (lock := day(one.body, name))
    ]
    archived = {
        str(one.body["Code"])
        for one in found
        if one.resource == "Accounts" and one.body.get("Status") == "ARCHIVED" and one.body.get("Code")
    }
    return KnownBooks(
        locked_until=max(locks, default=None),
        archived=frozenset(archived),
        read_at=min(one.read_at for one in found),
    )


def forbidden(command: ReadyCommand, write: Write, books: KnownBooks, now: dt.datetime) -> Rejected | Waits | None:
    """Whether the settings forbid to make this; Waits until they are read anew. A person's replay goes to Xero: who
    moved a lock date a moment ago need not wait until we know of it."""
    if write.planned.step != "create" or command.revision > 1:
        return None
    found = _kind(write.planned.element, books)
    if found is None:
        return None
    if now - books.read_at > FRESH:
        return Waits(READ_ANEW, "dependency", _AGAIN_S)
    kind, value = found
    refusal = refusals.named(kind, write.planned.resource, write.planned.element, ())
    evidence = msgspec.structs.replace(refusal.evidence, value=value, message=f"{refusal.evidence.message} {_SEEN}")
    return Rejected(command_id=command.command_id, cause=refusal.cause, evidence=evidence)


_SEEN: Final = "This was seen in Xero's settings; nothing was sent."


def _kind(element: Mapping[str, Any], books: KnownBooks) -> tuple[RefusalKind, str] | None:
    """What they forbid, and the value that they forbid."""
    date = str(element.get("Date") or "")[:10]
    if books.locked_until is not None and date and date <= books.locked_until:
        return "period_locked", date
    for line in element.get("LineItems") or ():
        if line.get("AccountCode") in books.archived:
            return "account", line["AccountCode"]
    code = (element.get("Account") or {}).get("Code")
    return ("payment_account", code) if code in books.archived else None
