"""What an event that came in becomes: a complete CloudEvent for one topic. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

from schemas import envelope as envelopes
from schemas.codec import BODY_BYTES_MAX, Refused
from schemas.envelope import Envelope
from schemas.events import EventType, decode_event
from schemas.topics import TopicName

# The body's limit, attributes included: in binary mode they come beside the body, and the command record carries both.
RECORD_BYTES_MAX: Final = BODY_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Prepared:
    """An event whose data fits its type, with everything that its record says. `entity` is its entity key."""

    envelope: Envelope
    row: EventType
    entity: str

    @property
    def topic(self) -> TopicName:
        return self.row.topic

    def record(self) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
        """Key, value and headers."""
        return envelopes.to_kafka(self.envelope)


def prepare(event: Envelope, *, now: datetime, traceparent: str) -> Prepared:
    """The event, complete: `time`, `subject` (the entity, such as `order:1001`) and `traceparent` where it had none.

    Raises UnknownType, or Refused with the path of the field (`data.lines[0].quantity`).
    """
    try:
        row, data = decode_event(event)
    except Refused as refused:
        raise Refused("data" + refused.path.removeprefix("$"), refused.value, refused.expected) from None
    entity = row.entity_key(event.source, data)
    complete = msgspec.structs.replace(
        event,
        time=event.time or now.astimezone(UTC).isoformat(),
        subject=event.subject or entity.removeprefix(f"{event.source}:"),
        traceparent=traceparent,
    )
    prepared = Prepared(complete, row, entity)
    _check_size(prepared)
    return prepared


def _check_size(prepared: Prepared) -> None:
    key, value, headers = prepared.record()
    total = len(key) + len(value) + sum(len(name) + len(text) for name, text in headers)
    if total > RECORD_BYTES_MAX:
        raise Refused("$", f"{total} bytes with its attributes", f"at most {RECORD_BYTES_MAX} bytes")
