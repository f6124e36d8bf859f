"""What is known of an organisation's settings in Xero, and what they forbid, before Xero refuses it. Pure.

A refusal costs a call, and a closed period is the accountant's word: with an adviser's connection Xero would write into
it without asking (facts 5), be it something new, a change or a voiding. What is known may be hours old, so it is read
anew before anything is refused by it, and before anything is written into a time that may have been closed since.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from connectors.xero import refusals
from connectors.xero.refusals import RefusalKind
from connectors.xero.wire import ID_KEYS, day
from schemas.commands import Evidence
from streams.core.decisions import REPLAY, Waits, Write
from streams.core.results import Rejected
from streams.core.situation import Document, ReadyCommand

# Newer than that, what is known is believed.
FRESH: Final = dt.timedelta(minutes=10)
READ_ANEW: Final = "Xero's settings may forbid it; they are read anew first"
_AGAIN_S: Final = 2
_LOCKS: Final = ("PeriodLockDate", "EndOfYearLockDate")
# Nobody closes a period that has not ended everywhere yet.
_OPEN: Final = dt.timedelta(days=1)
_DRAFTS: Final = frozenset({"DRAFT", "SUBMITTED"})


class KnownBooks(msgspec.Struct, frozen=True, kw_only=True):
    """`locked_until` is the last day of the locked period, as 2026-03-31; `archived` are the codes of accounts that
    are archived. Both were read at `read_at`."""

    locked_until: str | None
    archived: frozenset[str]
    read_at: dt.datetime


# Before the settings were read for the first time.
UNREAD: Final = KnownBooks(locked_until=None, archived=frozenset(), read_at=dt.datetime.min.replace(tzinfo=dt.UTC))


def known(settings: Iterable[Document]) -> KnownBooks:
    """What the organisation's own record and its accounts say."""
    found = list(settings)
    if {one.resource for one in found} < {"Organisations", "Accounts"}:
        return UNREAD
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
    """Whether the settings forbid to write this; Waits until they are read anew. A person's replay goes to Xero: who
    moved a lock date a moment ago need not wait until we know of it."""
    if command.revision > 1:
        return None
    posts_on, is_old = _posting_day(command, write), now - books.read_at > FRESH
    found = _kind(write, books, posts_on)
    if is_old and (found is not None or (posts_on is not None and posts_on < (now - _OPEN).date().isoformat())):
        return Waits(READ_ANEW, "dependency", _AGAIN_S)
    if found is None:
        return None
    return Rejected(command_id=command.command_id, **_refusal(write, *found))


_SEEN: Final = "This was seen in Xero's settings; nothing was sent."
_NOT_TOUCHED: Final = "What stands in Xero has a date in a period that is locked there, so it must stay as it is."
_OPEN_OR_LEAVE: Final = (
    f"Move the lock date in Xero (Settings > Financial settings), {REPLAY}; or have it corrected in Xero within the "
    "open period and `ledgerstream dlq discard ID`."
)


def _refusal(write: Write, kind: RefusalKind, value: str) -> dict[str, Any]:
    """Cause and evidence."""
    refusal = refusals.named(kind, write.planned.resource, write.planned.element, ())
    evidence: Evidence = msgspec.structs.replace(refusal.evidence, value=value)
    if write.planned.step != "create":
        evidence = msgspec.structs.replace(evidence, message=_NOT_TOUCHED, remedy=_OPEN_OR_LEAVE)
    evidence = msgspec.structs.replace(evidence, message=f"{evidence.message} {_SEEN}")
    return {"cause": refusal.cause, "evidence": evidence}


def _kind(write: Write, books: KnownBooks, posts_on: str | None) -> tuple[RefusalKind, str] | None:
    """What they forbid, and the value that they forbid."""
    if books.locked_until is not None and posts_on is not None and posts_on <= books.locked_until:
        return "period_locked", posts_on
    # Lines that are changed may have been written before their account was archived: that is for Xero to judge.
    if write.planned.step != "create":
        return None
    for line in write.planned.element.get("LineItems") or ():
        if line.get("AccountCode") in books.archived:
            return "account", line["AccountCode"]
    code = (write.planned.element.get("Account") or {}).get("Code")
    return ("payment_account", code) if code in books.archived else None


def _posting_day(command: ReadyCommand, write: Write) -> str | None:
    """The earliest day on which the write changes the books, as 2026-03-31; None where it changes none."""
    element = write.planned.element
    new = str(element.get("Date") or "")[:10] or None
    if write.planned.step == "create":
        return new
    standing = _standing(command, write)
    if standing is None:
        return None
    old = day(standing, "Date")
    if standing.get("Status") not in _DRAFTS:
        return min((one for one in (new, old) if one is not None), default=None)
    # A draft is in no period until it is approved.
    return (new or old) if element.get("Status") == "AUTHORISED" else None


def _standing(command: ReadyCommand, write: Write) -> Mapping[str, Any] | None:
    """What the write changes, as it is known: the command's own document, or the payment that it takes back."""
    xero_id = write.planned.element.get(ID_KEYS[write.planned.resource])
    links = (command.effect, *command.depends_on)
    return next((one.document.body for one in links if one.document is not None and one.xero_id == xero_id), None)
