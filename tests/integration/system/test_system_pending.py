"""Events that no rule of an older release knew, taken up by this one: when it starts, and when tenant files change."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from schemas import envelope
from schemas.codec import to_json
from schemas.commands import CommandRecord, Pending
from schemas.topics import TOPICS
from streams.kafka.records import Outgoing
from tests.support.system import ROOT, System, order, running


@pytest.fixture
async def system(broker: str, topic_prefix: str, tmp_path: Path) -> AsyncIterator[System]:
    shutil.copytree(ROOT / "deploy" / "tenants", tmp_path / "tenants")
    async with running(broker, topic_prefix, tmp_path) as found:
        found.settings["LEDGERSTREAM_TENANTS"] = str(tmp_path / "tenants")
        yield found


async def told_by_an_older_release(system: System, number: int) -> None:
    """What such a release's translate writes of an order: that no rule of it knows the event."""
    value = json.dumps(order(number)).encode()
    headers = (("content-type", b"application/cloudevents+json"),)
    event = envelope.from_kafka(headers, value)
    record = CommandRecord(
        topic="events.orders",
        partition=0,
        offset=number,
        timestamp_ms=1_795_000_000_000,
        outcome=Pending("no rule of this release books it"),
        event_key=event.key,
        source=event.source,
        event_id=event.id,
        event_type=event.type,
        key=b"order",
        value=value,
        headers=headers,
    )
    topic = TOPICS["commands"].full_name(system.prefix)
    await system.producer.send_all([Outgoing(topic, b"order", to_json(record), (), 0)])


async def waiting(system: System) -> int:
    audit = json.loads((await system.cli("audit", "--json")).stdout)
    assert audit["problems"] == []
    found: int = audit["dispositions"]["waiting"]
    return found


@pytest.mark.timeout(240)
async def test_what_waited_for_a_rule_is_booked_after_a_restart_and_after_a_mended_file(system: System) -> None:
    first = await system.worker()
    await system.send([order(1)])
    await system.until(lambda: len(system.books()["invoices"]) == 1, "the first invoice")
    await told_by_an_older_release(system, 2)
    while not await waiting(system):
        assert first.returncode is None
    first.terminate()
    assert await system.ended(first) == 0
    assert len(system.books()["invoices"]) == 1

    await system.worker()
    await system.until(lambda: len(system.books()["invoices"]) == 2, "the invoice that waited for a newer release")
    await told_by_an_older_release(system, 3)
    while not await waiting(system):
        assert len(system.books()["invoices"]) == 2
    file = Path(system.settings["LEDGERSTREAM_TENANTS"]) / "uk.yaml"
    file.write_text(file.read_text() + "# mended\n")
    await system.until(lambda: len(system.books()["invoices"]) == 3, "the invoice that waited for a mended file")
    assert await waiting(system) == 0
