"""Replays one after another: their pace, and records of `raw`, which go through normalise as well."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas import raw
from schemas.commands import Commands, RefusedEvent
from schemas.raw import RawRecord
from streams import tenants
from streams.core.tenants import Tenants
from streams.desk.replaying import replay_all
from streams.desk.retranslate import with_tenants
from streams.ledger import Ledger, open_ledger
from streams.ledger.replay import StoredRecord
from tests.support.clock import ManualClock
from tests.support.desk import SECRETS, Office
from tests.support.ledger import refused, take_in


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    opened = await open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}", ManualClock())
    yield opened
    await opened.close()


@pytest.fixture
def configured(office: Office) -> Tenants:
    return tenants.load(office.tenants, SECRETS)


async def test_no_more_letters_a_minute_than_asked(ledger: Ledger, configured: Tenants) -> None:
    await take_in(ledger, *(refused(f"e{number}", number) for number in range(4)))
    ids = [row.letter.dlq_id for row in await ledger.dead_letters.list()]
    clock = ManualClock()
    began = clock.elapsed()
    went = [one async for one in replay_all(ledger, clock, ids, with_tenants(configured), "ann", per_minute=30)]
    assert clock.elapsed() - began == 6.0
    assert [one.result for one in went] == ["refused"] * 4


def stored(source: str, body: object) -> StoredRecord:
    record = RawRecord(
        source=source,
        connector="stripe",
        body=json.dumps(body).encode(),
        received_at=datetime(2026, 11, 24, tzinfo=UTC),
    )
    key, value, headers = raw.to_kafka(record)
    return StoredRecord(
        topic="raw", partition=1, offset=7, timestamp_ms=0, key=key, value=value, headers=tuple(headers)
    )


def test_a_request_becomes_the_commands_of_its_event(configured: Tenants) -> None:
    charge = {
        "id": "ch_1",
        "object": "charge",
        "amount": 1200,
        "currency": "gbp",
        "created": 1_795_000_000,
        "payment_intent": "pi_1",
        "metadata": {"order_id": "1001"},
    }
    event = {
        "id": "evt_1",
        "object": "event",
        "type": "charge.succeeded",
        "created": 1_795_000_000,
        "livemode": True,
        "data": {"object": charge},
    }
    found = with_tenants(configured)(stored("stripe-1", event))
    assert isinstance(found.outcome, Commands), found.outcome
    assert (found.topic, found.partition, found.offset) == ("raw", 1, 7)
    assert [command.kind for command in found.outcome.commands] == ["RecordPayment"]
    strange = with_tenants(configured)(stored("stripe-9", event))
    assert isinstance(strange.outcome, RefusedEvent)
    assert strange.outcome.evidence.value == "stripe-9"
