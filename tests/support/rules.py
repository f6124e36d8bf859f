"""The repository's own tenant files, and events for them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schemas.commands import Command, CommandRecord, Commands, Evidence, RefusedEvent
from schemas.envelope import Envelope, to_kafka
from schemas.topics import TopicName
from streams import tenants
from streams.core.tenants import Tenants
from streams.core.translate import translate

FOLDER = Path(__file__).parents[2] / "deploy" / "tenants"
ENVIRON: Mapping[str, str] = {
    "LEDGERSTREAM_TENANT_UK": "xero-uk",
    "LEDGERSTREAM_TENANT_IE": "xero-ie",
    **{f"LEDGERSTREAM_SECRET_{name}": f"hush {name}" for name in ("SHOP_1", "SHOP_2", "CRM_1", "JOBS_1", "STRIPE_1")},
}
TENANTS: Tenants = tenants.load(FOLDER, ENVIRON)

LINE = {"id": "1", "description": "Mug", "quantity": "2", "unit_amount": "12.00", "tax_rate": "20"}
ORDER: Mapping[str, Any] = {
    "order_id": "1001",
    "number": "1001",
    "currency": "GBP",
    "customer": {"id": "77", "name": "Ada  Smith "},
    "lines": [LINE],
    "total": "24.00",
    "taxes_included": True,
    "placed_at": "2026-11-24T09:30:00Z",
}


def record(
    name: str,
    data: Any,
    *,
    source: str = "shop-1",
    event_id: str = "e1",
    sequence: str | None = None,
    time: str | None = "2026-11-24T09:30:00Z",
    type_: str | None = None,
    tenants_: Tenants = TENANTS,
) -> CommandRecord:
    """What translate makes of an event in binary mode."""
    attributes = {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": type_ or f"com.ledgerstream.{name}.v1",
        "time": time,
        "sequence": sequence,
    }
    headers = [(f"ce_{key}", value.encode()) for key, value in attributes.items() if value is not None]
    return translate(
        topic="events.orders",
        partition=0,
        offset=7,
        timestamp_ms=1_795_000_000_000,
        key=b"key",
        value=json.dumps(data).encode(),
        headers=headers,
        tenants=tenants_,
    )


def translated(
    event: Envelope, books: Tenants = TENANTS, *, topic: TopicName = "events.orders", offset: int = 0
) -> CommandRecord:
    """What translate makes of an event that a connector told."""
    key, value, headers = to_kafka(event)
    return translate(
        topic=topic,
        partition=0,
        offset=offset,
        timestamp_ms=0,
        key=key,
        value=value,
        headers=headers,
        tenants=books,
    )


def commands(name: str, data: Any, **more: Any) -> tuple[Command, ...]:
    """The commands of an event that can be booked."""
    outcome = record(name, data, **more).outcome
    assert isinstance(outcome, Commands), outcome
    return outcome.commands


def evidence(name: str, data: Any, **more: Any) -> Evidence:
    """Why an event cannot be booked."""
    outcome = record(name, data, **more).outcome
    assert isinstance(outcome, RefusedEvent), outcome
    assert outcome.evidence.remedy
    return outcome.evidence
