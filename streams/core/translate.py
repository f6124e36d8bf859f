"""Translate: one event record becomes one command record. Pure; the Faust agent and the replay tool both call it."""

import datetime as dt
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

from schemas import envelope as envelopes
from schemas.codec import Refused, content_digest, load_json
from schemas.commands import CommandRecord, Commands, Duplicate, Outcome, Pending
from schemas.envelope import Envelope
from schemas.events import EventType, UnknownType, decode_event
from schemas.topics import TopicName
from streams.core.refusal import Unbookable, bug, refused, unbookable
from streams.core.rules import commands_for
from streams.core.rules.context import Context, sequence_of
from streams.core.tenants import Tenants

RECENT_KEYS_MAX: Final = 50_000
_RESEND: Final = "Have the producer send it again, corrected, under a new id, and discard this one."


class RecentKeys:
    """The event keys that one partition has brought lately, with the digest of their content; bounded."""

    def __init__(self, size: int = RECENT_KEYS_MAX) -> None:
        self._digests: OrderedDict[str, str] = OrderedDict()
        self._size = size

    def has(self, event_key: str, digest: str) -> bool:
        """Whether this very content was passed on under this key."""
        return self._digests.get(event_key) == digest

    def enter(self, record: CommandRecord) -> None:
        """Remember what the broker has acknowledged."""
        if record.event_key is None or record.digest is None or not isinstance(record.outcome, Commands):
            return
        self._digests[record.event_key] = record.digest
        if len(self._digests) > self._size:
            self._digests.popitem(last=False)


def translate(
    *,
    topic: TopicName,
    partition: int,
    offset: int,
    timestamp_ms: int,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes]],
    tenants: Tenants,
    seen: RecentKeys | None = None,
) -> CommandRecord:
    """The command record of an event record. Whatever is wrong with the event is in its outcome; nothing is raised."""

    def record(outcome: Outcome, known: Envelope | None = None, **more: Any) -> CommandRecord:
        kept = not isinstance(outcome, Duplicate)
        return CommandRecord(
            topic=topic,
            partition=partition,
            offset=offset,
            timestamp_ms=timestamp_ms,
            outcome=outcome,
            event_key=known.key if known else None,
            source=known.source if known else None,
            event_id=known.id if known else None,
            event_type=known.type if known else None,
            traceparent=known.traceparent if known else None,
            key=key if kept else None,
            value=value if kept else None,
            headers=tuple(headers) if kept else (),
            **more,
        )

    try:
        event = envelopes.from_kafka(headers, value)
    except Refused as error:
        return record(refused(error, "poison", "translate", _RESEND))
    time = None
    try:
        time = _time(event, timestamp_ms)
        digest = content_digest(event.type, event.sequence, load_json(event.data))
        if seen is not None and seen.has(event.key, digest):
            return record(Duplicate(), event, event_time=time, digest=digest)
        outcome, entity = _outcome(event, time, tenants)
    except Refused as error:
        return record(refused(error, "data", "translate", _RESEND), event, event_time=time)
    order = sequence_of(event, time)
    return record(outcome, event, event_time=time, digest=digest, entity_key=entity, sequence=order)


def _outcome(event: Envelope, time: dt.datetime, tenants: Tenants) -> tuple[Outcome, str | None]:
    if event.source not in tenants.sources:
        error = Refused("source", event.source, "the name of a configured source")
        remedy = f"Add {event.source} to sources.yaml, then replay; or correct the producer's source."
        return refused(error, "data", "translate", remedy), None
    try:
        row, data = decode_event(event)
    except UnknownType as unknown:
        return Pending(str(unknown)), None
    entity = row.entity_key(event.source, data)
    return _booked(row, Context(event, entity, time, tenants), data), entity


def _booked(row: EventType, context: Context, data: Any) -> Outcome:
    try:
        return commands_for(row, context, data)
    except Unbookable as error:
        return unbookable(error)
    except Exception as error:
        return bug(error, "translate")


def _time(event: Envelope, timestamp_ms: int) -> dt.datetime:
    """When it happened, says the source; else when the record was written."""
    if event.time is not None:
        return envelopes.parse_time(event.time)
    try:
        return dt.datetime.fromtimestamp(timestamp_ms / 1000, tz=dt.UTC)
    except (OverflowError, ValueError):
        # A producer may set any timestamp; nanoseconds are the usual mistake.
        raise Refused("timestamp", str(timestamp_ms), "milliseconds since 1970, or a time in ce_time") from None
