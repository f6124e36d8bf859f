"""The demo's senders at the real receiver, and what the real rules make of the day, before any Kafka."""

import datetime as dt
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from connectors.base import Events, Normalised
from connectors.registry import CONNECTORS
from schemas import envelope, raw
from schemas.commands import Commands, Ignored, Outcome, RefusedEvent
from schemas.topics import TopicName
from streams.core.tenants import Tenants
from streams.core.translate import translate
from streams.demo.home import TENANT, Home, prepare
from streams.demo.producers import World
from streams.demo.shop import Day, day
from streams.demo.story import LETTERS
from streams.tenants import load
from tests.unit.demo.support import TENANTS, ShakyPublisher, Stored, environment, prepared, world


@pytest.fixture(scope="module")
def business() -> Day:
    return day(7, dt.date(2026, 11, 23))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return prepared(tmp_path)


async def test_all_but_the_malformed_event_is_accepted_once(home: Home, business: Day) -> None:
    publisher = ShakyPublisher()
    counts: list[int] = []
    events = [*business.events, *business.irish, business.malformed, business.after_archive, business.correction]
    async with world(home, publisher) as senders:
        await senders.send(events, counts.append)
    assert len(senders.log.accepted) == len(events) - 1
    assert Counter(event.id for event in senders.log.accepted) == Counter(
        event.id for event in events if event is not business.malformed
    )
    assert len(publisher.records) == len(events) - 1
    assert counts[-1] == len(events)
    [refused] = senders.log.refused
    assert (refused.status, refused.problem["field"], refused.problem["value"]) == (
        400,
        "data.lines[0].quantity",
        "two",
    )


async def test_a_wrong_secret_is_refused_and_not_logged_as_accepted(home: Home, business: Day) -> None:
    publisher = ShakyPublisher()
    async with world(home, publisher) as senders:
        other = prepared(home.folder / "other")
        stranger = World(senders._session, senders._receiver, other.credentials, senders._kafka)
        await stranger.send([business.malformed, business.correction], lambda _: None)
    assert stranger.log.accepted == []
    assert {refusal.status for refusal in stranger.log.refused} == {401}


async def test_the_rules_make_of_the_day_what_the_story_tells(home: Home, business: Day) -> None:
    publisher = ShakyPublisher()
    events = [*business.events, *business.irish, business.after_archive, business.correction]
    async with world(home, publisher) as senders:
        await senders.send(events, lambda _: None)
    before = outcomes(home, publisher.records)
    refused = {entity for entity, outcome in before if isinstance(outcome, RefusedEvent)}
    # The order of the archived contact is refused by Xero, not by a rule.
    assert refused == LETTERS - {"shop-1:order:1293"}
    for _, outcome in before:
        if isinstance(outcome, RefusedEvent):
            assert outcome.cause == "data"
            assert outcome.evidence.remedy
    assert all(isinstance(outcome, Commands | Ignored | RefusedEvent) for _, outcome in before)
    home.mend()
    after = {entity for entity, outcome in outcomes(home, publisher.records) if isinstance(outcome, RefusedEvent)}
    assert after == {"shop-1:order:1291", "stripe-1:payment:pi_unknown"}


def outcomes(home: Home, records: list[Stored]) -> list[tuple[str, Outcome]]:
    """Each record's entity and what it becomes."""
    tenants = load(home.tenants, environment(home))
    found: list[tuple[str, Outcome]] = []
    for topic, key, value, headers in records:
        if topic != "raw":
            found.append(translated(tenants, topic, key, value, headers))
            continue
        request = raw.from_kafka(headers, value)
        told: Normalised = CONNECTORS["stripe"].normalise(request, tenants.sources[request.source])
        if isinstance(told, Events):
            found += [translated(tenants, "events.payments", *envelope.to_kafka(event)) for event in told.envelopes]
        else:
            found.append((json.loads(value)["id"], told))
    return found


def translated(
    tenants: Tenants, topic: TopicName, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]]
) -> tuple[str, Outcome]:
    record = translate(
        topic=topic,
        partition=0,
        offset=0,
        timestamp_ms=0,
        key=key,
        value=value,
        headers=headers,
        tenants=tenants,
    )
    assert record.entity_key is not None
    return record.entity_key, record.outcome


def test_the_copy_lacks_one_rate_until_it_is_mended(home: Home) -> None:
    before = load(home.tenants, environment(home))
    assert "5" not in home.rates().values()
    home.mend()
    after = load(home.tenants, environment(home))
    assert "5" in home.rates().values()
    assert before.version != after.version
    original = (TENANTS / f"{TENANT}.yaml").read_text()
    # Nothing of the original is gone, and what was added are the lines for the demo's own doors.
    added = Counter(home.tenant_file.read_text().splitlines()) - Counter(original.splitlines())
    assert not Counter(original.splitlines()) - Counter(home.tenant_file.read_text().splitlines())
    assert all("shopify" in line or "erp-1" in line for line in added)


def test_files_of_another_build_are_refused_with_what_to_do(tmp_path: Path) -> None:
    other = tmp_path / "tenants-of-mine"
    other.mkdir()
    for file in TENANTS.glob("*.yaml"):
        (other / file.name).write_text(file.read_text().replace("\nroutes:\n", "\nroutes: # mine\n"))
    assert yaml.safe_load((other / f"{TENANT}.yaml").read_text())["routes"]
    with pytest.raises(ValueError, match="has not one line 'routes:': restore deploy/tenants"):
        prepare(tmp_path / "home", other, lambda: "a secret", "http://127.0.0.1:0")
