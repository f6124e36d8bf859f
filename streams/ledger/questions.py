"""Rows of `questions`: a choice that a person must make."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from streams.core.results import Option
from streams.ledger.rows import CommandRow

# Two contents for one effect.
EFFECT_CONFLICT: Final = "effect_conflict"
_NAMESPACE: Final = uuid.UUID("0d6c2f5e-8a55-5d0c-8f6c-35f2f2a3e9d1")


def question_row(
    *,
    kind: str,
    subject: str,
    text: str,
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    options: Sequence[Option],
    cause: str,
    now: datetime,
    command: CommandRow | None = None,
    event_key: str | None = None,
    entity_key: str | None = None,
    record: bytes | None = None,
) -> dict[str, Any]:
    """A question; `subject` is what makes it the same one when it is asked again."""
    return {
        "question_id": str(uuid.uuid5(_NAMESPACE, f"{kind}|{subject}")),
        "kind": kind,
        "command_id": None if command is None else command.command_id,
        "event_key": event_key if command is None else command.event_key,
        "entity_key": entity_key if command is None else command.entity_key,
        "tenant": None if command is None else command.tenant,
        "cause": cause,
        "text": text,
        "ours": dict(ours),
        "theirs": dict(theirs),
        "options": msgspec.to_builtins(list(options)),
        "record": record,
        "state": "open",
        "answer": None,
        "actor": None,
        "asked_at": now,
        "answered_at": None,
    }
