"""A dead letter as a line for people: what it is about, what is wrong, and the command that ends it. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from connectors.xero.wire import amount
from schemas.keys import parse_entity_key
from schemas.money import for_people
from schemas.states import Cause, Stage
from streams.ledger.dead_letters import LetterRow

# Eight and four letters of a UUID: 48 bits, so two letters of one ledger do not share them.
_SHORT: Final = 13
# Xero's names for the sums of a document.
_AMOUNTS: Final = frozenset({"Total", "SubTotal", "TotalTax", "AmountPaid", "AmountCredited", "AmountDue", "Amount"})
# In the place of what only the person who discards can say; nobody can discard by it.
REASON: Final = "SAY WHAT WAS DONE"


class LetterLine(msgspec.Struct, frozen=True, kw_only=True):
    """One letter in `dlq list --json` (a contract). `command` can be run as it stands, but for the reason of a discard;
    `age_s` is in seconds."""

    id: str
    short_id: str
    state: str
    what: str
    cause: Cause
    stage: Stage
    field: str | None
    value: str | None
    message: str
    remedy: str | None
    command: str
    kind: str | None
    source: str | None
    tenant: str | None
    entity_key: str | None
    event_key: str | None
    command_id: str | None
    attempts: int
    replay_count: int
    age_s: int
    first_failed_at: datetime
    last_failed_at: datetime


def line_of(row: LetterRow, now: datetime) -> LetterLine:
    """The letter as a line."""
    letter, evidence = row.letter, row.letter.evidence
    return LetterLine(
        id=letter.dlq_id,
        short_id=short(letter.dlq_id),
        state=row.state,
        what=what(row),
        cause=letter.cause,
        stage=letter.stage,
        field=evidence.field,
        value=evidence.value,
        message=evidence.message,
        remedy=remedy(letter.dlq_id, evidence.remedy),
        command=command(letter.dlq_id, evidence.remedy),
        kind=row.kind,
        source=row.source,
        tenant=row.tenant,
        entity_key=row.entity_key,
        event_key=row.event_key,
        command_id=row.command_id,
        attempts=letter.attempts,
        replay_count=letter.replay_count,
        age_s=max(int((now - letter.first_failed_at).total_seconds()), 0),
        first_failed_at=letter.first_failed_at,
        last_failed_at=letter.last_failed_at,
    )


def short(identifier: str) -> str:
    """The beginning of an id, which every verb takes for the whole."""
    return identifier[:_SHORT]


def what(row: LetterRow) -> str:
    """What the letter is about: `order 1001 of shop-1, OrderPlaced`."""
    kind = (row.kind or "unreadable record").removeprefix("com.ledgerstream.").removesuffix(".v1")
    if row.entity_key is None:
        letter = row.letter
        return row.event_key or f"{kind} at {letter.topic}:{letter.partition}:{letter.offset}"
    return f"{entity(row.entity_key)}, {kind}"


def entity(key: str) -> str:
    """An entity key in words."""
    try:
        source, kind, identifier = parse_entity_key(key)
    except ValueError:
        return key
    return f"{kind} {identifier} of {source}"


def command(dlq_id: str, words: str | None) -> str:
    """The last step of a remedy: a replay, unless the remedy speaks of discarding alone.

    Where it speaks of neither, what mends the letter is done elsewhere and closes it; the command shows that it did.
    Where the event is edited first, that cannot be typed for anybody; the command shows what is to be edited.
    """
    if words is not None and "--edit" in words:
        return f"ledgerstream dlq show {short(dlq_id)} --data"
    if words is not None and "replay" not in words:
        if "discard" in words:
            return f"ledgerstream dlq discard {short(dlq_id)} --reason '{REASON}'"
        return f"ledgerstream dlq show {short(dlq_id)}"
    return f"ledgerstream dlq replay {short(dlq_id)}"


def remedy(dlq_id: str, words: str | None) -> str | None:
    """A remedy whose commands name the letter, so that they can be typed as they are printed."""
    if words is None:
        return None
    named = re.sub(r"ledgerstream dlq (show|replay|discard) ID\b", rf"ledgerstream dlq \1 {short(dlq_id)}", words)
    return re.sub(r"(dlq discard \S+)(?=`)", rf"\1 --reason '{REASON}'", named)


def side_text(name: str, side: Mapping[str, Any]) -> str:
    """One field of one side of a question; amounts of a document with the places of its currency."""
    value = side.get(name)
    if value is None:
        return ""
    if name in _AMOUNTS and (found := amount(value)) is not None:
        return for_people(found, str(side.get("CurrencyCode")))
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def age(seconds: float) -> str:
    """A span of time in one unit: `5 min`."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def moment(at: datetime | None) -> str:
    """A time in UTC, with its zone."""
    return "" if at is None else at.strftime("%Y-%m-%d %H:%M:%S UTC")
