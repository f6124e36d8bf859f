"""Rows of `dead_letters`: exactly one open one per subject, and one id per failure, across crashes."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.commands import CommandRecord, Evidence, RefusedEvent
from schemas.keys import digest
from schemas.states import Cause, Stage
from streams.ledger import tables
from streams.ledger.among import among
from streams.ledger.rows import CommandRow, chunks

RAW: Final = "raw"
_NAMESPACE: Final = uuid.UUID("6f1d4c52-6a60-5b0e-9c39-3c1f0f6f7f10")


def dlq_id(subject: str, revision: int, stage: Stage) -> str:
    """One id per failure: a crash that makes the letter anew makes the same one."""
    return str(uuid.uuid5(_NAMESPACE, f"{subject}|{revision}|{stage}"))


def record_subject(topic: str, partition: int, offset: int) -> str:
    """The subject of a record that has no row in `events`."""
    return f"record:{topic}:{partition}:{offset}"


def stored_headers(headers: Sequence[tuple[str, bytes]]) -> list[list[str]]:
    """Headers as JSON: their values are bytes, written one to one as the characters of Latin-1."""
    return [[name, value.decode("latin-1")] for name, value in headers]


def read_headers(stored: Sequence[Sequence[str]] | None) -> tuple[tuple[str, bytes], ...]:
    """The headers as they were on the record."""
    return tuple((name, value.encode("latin-1")) for name, value in stored or ())


def failure_of(record: CommandRecord) -> str:
    """What makes two refused records one failure, whichever delivery or sweep brought them: a thing at its source that
    is refused for the same reason, the same content told by a source, or else the same bytes."""
    outcome, source = record.outcome, record.source or ""
    if isinstance(outcome, RefusedEvent) and outcome.about is not None:
        evidence = outcome.evidence
        parts = (source, outcome.about, evidence.message, evidence.field, evidence.value)
        return digest(*((part or "").encode() for part in parts))
    if record.digest is not None:
        return told(source, record.digest)
    # The headers of `raw` tell of the delivery, those of an event are part of it.
    headers = () if record.topic == RAW else record.headers
    return digest(
        source.encode(), record.value or b"", *(part for name, text in headers for part in (name.encode(), text))
    )


def told(source: str, content: str) -> str:
    """The failure of an event that could be read: its source, and the digest of its content."""
    return digest(source.encode(), content.encode())


def of_record(record: CommandRecord, refused: RefusedEvent, now: datetime) -> dict[str, Any]:
    """The letter of a record that cannot become commands; it holds the record whole."""
    subject = record_subject(record.topic, record.partition, record.offset)
    return {
        **_common(subject, 1, refused.cause, refused.stage, refused.evidence, now),
        "command_id": None,
        "event_key": record.event_key,
        "entity_key": record.entity_key,
        "failure": failure_of(record),
        "tenant": None,
        "source": record.source,
        "kind": record.event_type,
        "event_time": record.event_time,
        "sequence": record.sequence,
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp_ms,
        "key": record.key,
        "value": record.value,
        "headers": stored_headers(record.headers),
        "attempts": 1,
        "idempotency_key": None,
        "trace_id": trace_id(record.traceparent),
        "replay_of": None,
    }


def of_command(
    command: CommandRow,
    event: Mapping[str, Any],
    cause: Cause,
    stage: Stage,
    evidence: Evidence,
    now: datetime,
    *,
    idempotency_key: str | None,
) -> dict[str, Any]:
    """The letter of a command; `event` holds the position of its record, whose bytes stay in `events`."""
    earlier = dlq_id(command.command_id, command.revision - 1, stage) if command.revision > 1 else None
    return {
        **_common(command.command_id, command.revision, cause, stage, evidence, now),
        "command_id": command.command_id,
        "event_key": command.event_key,
        "entity_key": command.entity_key,
        "failure": None,
        "tenant": command.tenant,
        "source": command.source,
        "kind": command.kind,
        "event_time": None,
        "sequence": None,
        **{name: event[name] for name in ("topic", "partition", "offset", "timestamp_ms")},
        "key": None,
        "value": None,
        "headers": None,
        "attempts": command.attempts,
        "idempotency_key": idempotency_key,
        "trace_id": trace_id(event["traceparent"]),
        "replay_of": earlier,
    }


def _common(
    subject: str, revision: int, cause: Cause, stage: Stage, evidence: Evidence, now: datetime
) -> dict[str, Any]:
    return {
        "dlq_id": dlq_id(subject, revision, stage),
        "subject": subject,
        "cause": cause,
        "stage": stage,
        "evidence": msgspec.to_builtins(evidence),
        "first_failed_at": now,
        "last_failed_at": now,
        "replay_count": revision - 1,
        "edited_by": None,
        "state": "open",
        "closed_at": None,
        "closed_by": None,
        "closed_reason": None,
    }


def trace_id(traceparent: str | None) -> str | None:
    """The trace id within a W3C traceparent."""
    parts = (traceparent or "").split("-")
    return parts[1] if len(parts) == 4 else None


async def close(connection: AsyncConnection, subjects: Sequence[str], now: datetime, actor: str, reason: str) -> None:
    """Close the open letters of these subjects."""
    letters = tables.dead_letters
    for some in chunks(subjects):
        statement = update(letters).where(among(letters.c.subject, some), letters.c.state == "open")
        await connection.execute(statement.values(state="closed", closed_at=now, closed_by=actor, closed_reason=reason))
