"""Transitions: every change of state of a command or event, kept for ever; outbox, audit log and trace in one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from streams.ledger import bulk, tables

WORKER: Final = "worker"
_columns: Final = tables.transitions.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Who changed a state and why, with what Xero gave it. `actor` is `worker` or a person's name."""

    actor: str = WORKER
    reason: str | None = None
    cause: str | None = None
    xero_id: str | None = None
    xero_number: str | None = None
    call: int | None = None
    dlq_id: str | None = None


def of_subject(
    subject: str, number: int, entity_key: str, to_state: str, at: datetime, why: Why, **more: str | None
) -> dict[str, Any]:
    """A row of `transitions`; `more` may hold event_key, effect_key, tenant, kind and from_state."""
    row: dict[str, Any] = {
        "subject": subject,
        "number": number,
        "entity_key": entity_key,
        "event_key": None,
        "effect_key": None,
        "tenant": None,
        "kind": None,
        "from_state": None,
        "to_state": to_state,
        "at": at,
        "actor": why.actor,
        "reason": why.reason,
        "cause": why.cause,
        "xero_id": why.xero_id,
        "xero_number": why.xero_number,
        "call": why.call,
        "dlq_id": why.dlq_id,
    }
    return {**row, **more}


async def next_number(connection: AsyncConnection, subject: str) -> int:
    """The number of the subject's next transition; commands count theirs by themselves."""
    highest = select(func.max(_columns.number)).where(_columns.subject == subject)
    return ((await connection.execute(highest)).scalar() or 0) + 1


async def write(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append the rows in order."""
    await bulk.insert(connection, tables.transitions, rows)
