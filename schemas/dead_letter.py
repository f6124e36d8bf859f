"""The headers of a dead letter and the record of an outcome (facts: operations, "Headers on DLQ records").

A dead letter keeps the key, the value and every `ce_` header of the record that it came from, untouched, so that it
can be understood and replayed from itself alone.
"""

from datetime import datetime
from typing import Final, Literal

import msgspec

from schemas.commands import Evidence
from schemas.states import Cause, Stage

STACKTRACE_CHARACTERS_MAX: Final = 4000

DlqHeader = Literal[
    "dlq-id",
    "dlq-original-topic",
    "dlq-original-partition",
    "dlq-original-offset",
    "dlq-original-timestamp",
    "dlq-original-key",
    "dlq-consumer-group",
    "dlq-agent",
    "dlq-stage",
    "dlq-error-class",
    "dlq-exception-type",
    "dlq-exception-message",
    "dlq-exception-stacktrace",
    "dlq-http-status",
    "dlq-xero-error-number",
    "dlq-xero-validation",
    "dlq-xero-correlation-id",
    "dlq-attempts",
    "dlq-first-failed-at",
    "dlq-last-failed-at",
    "dlq-idempotency-key",
    "dlq-trace-id",
    "dlq-app-version",
    "dlq-replay-count",
    "dlq-replay-of",
    "dlq-edited-by",
    "x-original-topic",
]


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """What a person must mend. `subject` is a command id, or `record:topic:partition:offset` of a refused record.

    `topic`, `partition`, `offset`, `key`, `value` and `headers` are the original record's.
    """

    dlq_id: str
    subject: str
    cause: Cause
    stage: Stage
    evidence: Evidence
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    attempts: int
    first_failed_at: datetime
    last_failed_at: datetime
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    idempotency_key: str | None = None
    trace_id: str | None = None
    replay_count: int = 0
    replay_of: str | None = None
    edited_by: str | None = None


class OutcomeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One change of state, as `outcomes` tells it. (subject, number) is unique: consumers deduplicate by it."""

    subject: str
    number: int
    entity_key: str
    to_state: str
    actor: str
    at: datetime
    from_state: str | None = None
    event_key: str | None = None
    effect_key: str | None = None
    tenant: str | None = None
    kind: str | None = None
    reason: str | None = None
    cause: Cause | None = None
    xero_id: str | None = None
    xero_number: str | None = None


def original_headers(letter: DeadLetter) -> list[tuple[str, bytes]]:
    """The original record's headers, without those of an earlier stay in the dead-letter topic."""
    return [(name, value) for name, value in letter.headers if not name.startswith(("dlq-", "x-original-"))]


def dlq_headers(letter: DeadLetter, *, agent: str, group: str, version: str) -> list[tuple[str, bytes]]:
    """Every header of the record in `dead-letters`: the original ones, then ours, all UTF-8 text."""
    evidence = letter.evidence
    named: dict[DlqHeader, object] = {
        "dlq-id": letter.dlq_id,
        "dlq-original-topic": letter.topic,
        "dlq-original-partition": letter.partition,
        "dlq-original-offset": letter.offset,
        "dlq-original-timestamp": letter.timestamp_ms,
        "dlq-original-key": letter.key.decode(errors="replace") if letter.key is not None else None,
        "dlq-consumer-group": group,
        "dlq-agent": agent,
        "dlq-stage": letter.stage,
        "dlq-error-class": letter.cause,
        "dlq-exception-type": evidence.exception_type,
        "dlq-exception-message": evidence.message,
        "dlq-exception-stacktrace": (evidence.stacktrace or "")[:STACKTRACE_CHARACTERS_MAX] or None,
        "dlq-http-status": evidence.http_status,
        "dlq-xero-error-number": evidence.xero_error_number,
        "dlq-xero-validation": msgspec.json.encode(evidence.xero_validation).decode()
        if evidence.xero_validation
        else None,
        "dlq-xero-correlation-id": evidence.xero_correlation_id,
        "dlq-attempts": letter.attempts,
        "dlq-first-failed-at": letter.first_failed_at.isoformat(),
        "dlq-last-failed-at": letter.last_failed_at.isoformat(),
        "dlq-idempotency-key": letter.idempotency_key,
        "dlq-trace-id": letter.trace_id,
        "dlq-app-version": version,
        "dlq-replay-count": letter.replay_count,
        "dlq-replay-of": letter.replay_of,
        "dlq-edited-by": letter.edited_by,
        "x-original-topic": letter.topic,
    }
    ours = [(str(name), str(value).encode()) for name, value in named.items() if value is not None]
    return original_headers(letter) + ours
