"""One event id with two contents: a question that shows where they differ, with both values side by side."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas import envelope
from schemas.codec import Refused, load_json, shorten
from schemas.commands import CommandRecord, UpsertContact, decode_payload
from streams.core.differences import differences
from streams.core.effects import KEEP, TAKE
from streams.core.results import Option
from streams.ledger import letters, tables
from streams.ledger.among import among
from streams.ledger.known import KnownEvent, position_of
from streams.ledger.questions import question_row
from streams.ledger.rows import chunks

# More would show customers' data that nobody needs to decide by.
_SHOWN_MAX: Final = 3
_events: Final = tables.events.c
_commands: Final = tables.commands.c
# What is left to choose once the first telling is in the books.
BOOKED: Final = Option(
    KEEP,
    "keep what came first, which is booked; to have the second, send an update with a new id and a higher sequence",
)


async def questions(
    connection: AsyncConnection, conflicts: Sequence[tuple[CommandRecord, KnownEvent]], now: Any
) -> list[dict[str, Any]]:
    """A question for each record that told a known event otherwise. The first telling is in the ledger by now."""
    return [await _question(connection, record, event, now) for record, event in conflicts]


async def booked(connection: AsyncConnection, event_keys: Iterable[str]) -> set[str]:
    """Which of these events are booked or on their way, so that no other telling can take their place. A contact that
    need only be there is not of the event alone."""
    found: set[str] = set()
    for keys in chunks(event_keys):
        statement = select(_commands.event_key, _commands.payload).where(
            among(_commands.event_key, keys), _commands.state.in_(("sent", "posted", "same"))
        )
        for event_key, payload in await connection.execute(statement):
            decoded = decode_payload(payload.encode())
            if not (isinstance(decoded, UpsertContact) and decoded.ensure):
                found.add(event_key)
    return found


async def _question(connection: AsyncConnection, record: CommandRecord, event: KnownEvent, now: Any) -> dict[str, Any]:
    statement = select(_events.headers, _events.value).where(_events.event_key == record.event_key)
    row = (await connection.execute(statement)).first()
    before = None if row is None else _content(letters.read_headers(row.headers), row.value)
    told, ours, theirs = _sides(before, _content(record.headers, record.value))
    if not told:
        # One of them cannot be read any more; that they are not the same is all that is known.
        ours, theirs = {"digest": event.digest}, {"digest": record.digest}
    return question_row(
        kind="event_conflict",
        subject=f"{record.event_key}|{record.digest}",
        event_key=record.event_key,
        entity_key=record.entity_key,
        text=f"{record.event_key} came twice with different content{told}: a producer gave one id to two events",
        ours={"position": "/".join(map(str, event.position)), **ours},
        theirs={"position": "/".join(map(str, position_of(record))), **theirs},
        options=(Option(KEEP, "keep what came first"), Option(TAKE, "book what came second instead")),
        cause="conflict",
        now=now,
        record=msgspec.json.encode(record),
    )


def _content(headers: Sequence[tuple[str, bytes]], value: bytes | None) -> dict[str, Any] | None:
    """What the digest of an event is made of."""
    try:
        event = envelope.from_kafka(headers, value)
        return {"type": event.type, "sequence": event.sequence, "data": load_json(event.data)}
    except Refused:
        return None


def _sides(before: Any, after: Any) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Where they differ, in words, and the values of the first few places; empty if that cannot be said."""
    found = [] if before is None or after is None else differences(before, after)
    shown = found[:_SHOWN_MAX]
    words = ", ".join(one.path for one in shown)
    more = f" and {len(found) - len(shown)} more places" if len(found) > len(shown) else ""
    return (
        f" ({words}{more})" if shown else "",
        {one.path: _value(one.before) for one in shown},
        {one.path: _value(one.after) for one in shown},
    )


def _value(value: Any) -> str:
    return "nothing" if value is None else shorten(value)
