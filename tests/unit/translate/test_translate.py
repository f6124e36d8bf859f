"""What one event record becomes: every outcome, whole, and never an exception."""

import copy
import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import content_digest
from schemas.commands import CommandRecord, Commands, Duplicate, Ignored, Pending, RefusedEvent
from schemas.envelope import STRUCTURED
from schemas.events import EVENT_TYPES, OrderPlaced
from schemas.events.examples import EXAMPLES
from streams.core.rules import RULES
from streams.core.translate import RecentKeys, translate
from tests.support.rules import ORDER, TENANTS, record

TYPE = "com.ledgerstream.OrderPlaced.v1"
TIME = dt.datetime(2026, 11, 24, 9, 30, tzinfo=dt.UTC)
RESEND = "Have the producer send it again, corrected, under a new id, and discard this one."
HEADERS = [
    ("ce_specversion", b"1.0"),
    ("ce_id", b"e1"),
    ("ce_source", b"shop-1"),
    ("ce_type", TYPE.encode()),
    ("ce_time", b"2026-11-24T09:30:00Z"),
    ("ce_traceparent", b"00-trace"),
    ("other", b"\xff"),
]
VALUE = json.dumps(ORDER).encode()


def translated(
    headers: list[tuple[str, bytes]] = HEADERS,
    value: bytes | None = VALUE,
    *,
    seen: RecentKeys | None = None,
    timestamp_ms: int = 1_795_000_000_000,
) -> CommandRecord:
    return translate(
        topic="events.orders",
        partition=3,
        offset=41,
        timestamp_ms=timestamp_ms,
        key=b"order:1001",
        value=value,
        headers=headers,
        tenants=TENANTS,
        seen=seen,
    )


def without(name: str) -> list[tuple[str, bytes]]:
    return [pair for pair in HEADERS if pair[0] != name]


def but(name: str, value: str) -> list[tuple[str, bytes]]:
    return [*without(name), (name, value.encode())]


def refusal(found: CommandRecord) -> tuple[str, str | None, str | None]:
    """Cause, field and value; what every refusal has in common is checked on the way."""
    refused = found.outcome
    assert isinstance(refused, RefusedEvent), refused
    assert refused.stage == "translate"
    assert refused.evidence.remedy
    return refused.cause, refused.evidence.field, refused.evidence.value


def test_an_event_that_can_be_booked_keeps_all_that_its_record_was() -> None:
    found = translated()
    assert isinstance(found.outcome, Commands)
    assert [command.kind for command in found.outcome.commands] == ["UpsertContact", "UpsertInvoice"]
    assert found == CommandRecord(
        topic="events.orders",
        partition=3,
        offset=41,
        timestamp_ms=1_795_000_000_000,
        outcome=found.outcome,
        event_key="shop-1:e1",
        source="shop-1",
        event_id="e1",
        event_type=TYPE,
        event_time=TIME,
        entity_key="shop-1:order:1001",
        sequence=1_795_512_600_000_000,
        digest=content_digest(TYPE, None, ORDER),
        traceparent="00-trace",
        key=b"order:1001",
        value=VALUE,
        headers=tuple(HEADERS),
    )


def test_a_structured_record_becomes_the_same_commands() -> None:
    document = {name[3:]: value.decode() for name, value in HEADERS if name.startswith("ce_")}
    found = translated([("content-type", STRUCTURED.encode())], json.dumps({**document, "data": ORDER}).encode())
    assert (found.outcome, found.digest) == (translated().outcome, translated().digest)


@pytest.mark.parametrize(
    ("headers", "value", "field", "got"),
    [
        (HEADERS, None, "$", "no value"),
        ([], b"{}", "$", "no ce_ headers"),
        (without("ce_id"), VALUE, "id", "nothing"),
        (but("ce_source", "Shop"), VALUE, "source", "Shop"),
        (but("ce_time", "0001-01-01T00:00:00+14:00"), VALUE, "time", "0001-01-01T00:00:00+14:00"),
        ([*HEADERS, ("ce_note", b"\xff")], VALUE, "ce_note", r"b'\xff'"),
        ([("content-type", STRUCTURED.encode())], b"{", "$", "{"),
    ],
)
def test_a_record_that_is_no_event_is_poison(
    headers: list[tuple[str, bytes]], value: bytes | None, field: str, got: str
) -> None:
    found = translated(headers, value)
    assert refusal(found) == ("poison", field, got)
    assert isinstance(found.outcome, RefusedEvent)
    assert found.outcome.evidence.message.startswith(f"{field} is {got}, expected ")
    assert found.outcome.evidence.remedy == RESEND
    assert (found.event_key, found.source, found.digest, found.event_time) == (None, None, None, None)
    assert (found.key, found.value, found.headers) == (b"order:1001", value, tuple(headers))


@pytest.mark.parametrize(
    ("value", "field", "got"),
    [
        (b"", "$", "''"),
        (b"[]", "$", "[]"),
        (b"{", "$", "{"),
        (b'{"note": "\xff"}', "$", '{"note": "\ufffd"}'),
        (b"[" * 40 + b"]" * 40, "$", "a document nested too deep"),
        (json.dumps({**ORDER, "total": 24.0}).encode(), "$.total", "24.0"),
        (json.dumps({**ORDER, "lines": [{"id": "1"}]}).encode(), "$.lines[0].description", "nothing"),
    ],
)
def test_data_that_does_not_fit_is_told_with_its_field(value: bytes, field: str, got: str) -> None:
    found = translated(value=value)
    assert refusal(found) == ("data", field, got)
    assert isinstance(found.outcome, RefusedEvent)
    assert found.outcome.evidence.remedy == RESEND
    assert (found.event_key, found.event_time, found.entity_key) == ("shop-1:e1", TIME, None)
    assert (found.digest, found.value) == (None, value)


def test_a_source_that_nobody_configured_is_told_with_its_remedy() -> None:
    found = translated(but("ce_source", "shop-9"))
    assert refusal(found) == ("data", "source", "shop-9")
    assert isinstance(found.outcome, RefusedEvent)
    assert found.outcome.evidence.message == "source is shop-9, expected the name of a configured source."
    assert found.outcome.evidence.remedy == (
        "Add shop-9 to sources.yaml, then replay; or correct the producer's source."
    )
    assert (found.event_key, found.digest) == ("shop-9:e1", content_digest(TYPE, None, ORDER))


@pytest.mark.parametrize(
    ("type_", "reason"),
    [
        ("com.ledgerstream.OrderPlaced.v2", "OrderPlaced is known here up to version 1, not version 2"),
        ("shop.order", "no event type 'shop.order' is known here; GET /v1/schemas lists them"),
    ],
)
def test_a_type_that_this_release_does_not_know_waits(type_: str, reason: str) -> None:
    found = translated(but("ce_type", type_))
    assert found.outcome == Pending(reason)
    assert (found.event_type, found.entity_key, found.value) == (type_, None, VALUE)


@pytest.mark.parametrize("row", [row for row in EVENT_TYPES.values() if row.draft], ids=lambda row: row.name)
def test_a_type_without_a_rule_waits(row: Any) -> None:
    found = record(row.name, EXAMPLES[row.name])
    assert isinstance(found.outcome, Pending)
    assert found.outcome.reason.startswith(f"{row.name} is known, but no rule of this release books it")
    assert found.entity_key is not None


def test_an_event_that_changes_nothing_is_ignored() -> None:
    failed = {**EXAMPLES["PaymentFailed"], "kind": "declined"}
    found = record("PaymentFailed", failed, source="stripe-1")
    assert found.outcome == Ignored("the payment was declined and never counted")
    assert found.entity_key == "stripe-1:payment:pi_1"


def test_a_failure_of_our_own_is_a_letter_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_context: object, _event: object) -> Any:
        raise ZeroDivisionError("planted")

    monkeypatch.setitem(RULES, OrderPlaced, broken)
    found = translated()
    assert refusal(found) == ("bug", None, None)
    assert isinstance(found.outcome, RefusedEvent)
    evidence = found.outcome.evidence
    assert evidence.message == "Our code failed on this event (ZeroDivisionError: planted)."
    assert evidence.exception_type == "ZeroDivisionError"
    assert evidence.stacktrace is not None
    assert evidence.stacktrace.rstrip().endswith("ZeroDivisionError: planted")
    assert "dlq replay" in (evidence.remedy or "")
    assert (found.entity_key, found.digest) == ("shop-1:order:1001", content_digest(TYPE, None, ORDER))


@pytest.mark.parametrize(
    ("timestamp_ms", "time"), [(1_795_512_600_000, TIME), (-1, dt.datetime(1969, 12, 31, 23, 59, 59, 999000, dt.UTC))]
)
def test_without_a_time_the_record_says_when(timestamp_ms: int, time: dt.datetime) -> None:
    assert translated(without("ce_time"), timestamp_ms=timestamp_ms).event_time == time


@pytest.mark.parametrize("timestamp_ms", [1_795_512_600_000_000_000, -(2**62), 2**63 - 1])
def test_a_timestamp_that_is_no_time_is_told(timestamp_ms: int) -> None:
    found = translated(without("ce_time"), timestamp_ms=timestamp_ms)
    assert refusal(found) == ("data", "timestamp", str(timestamp_ms))
    assert (found.event_key, found.event_time, found.timestamp_ms) == ("shop-1:e1", None, timestamp_ms)


def test_what_was_just_passed_on_is_a_duplicate() -> None:
    seen = RecentKeys()
    first = translated(seen=seen)
    assert isinstance(translated(seen=seen).outcome, Commands), "only what is acknowledged counts as seen"
    seen.enter(first)
    again = translated(but("ce_time", "2026-11-25T00:00:00Z"), seen=seen)
    assert again.outcome == Duplicate()
    assert (again.event_key, again.digest, again.entity_key) == ("shop-1:e1", first.digest, None)
    assert (again.key, again.value, again.headers) == (None, None, ())


@pytest.mark.parametrize(
    ("headers", "value"),
    [
        (HEADERS, json.dumps({**ORDER, "reference": "other"}).encode()),
        (but("ce_id", "e2"), VALUE),
        (but("ce_source", "shop-2"), VALUE),
        ([*HEADERS, ("ce_sequence", b"2")], VALUE),
    ],
    ids=["content", "id", "source", "sequence"],
)
def test_what_differs_in_anything_goes_on_whole(headers: list[tuple[str, bytes]], value: bytes) -> None:
    seen = RecentKeys()
    seen.enter(translated(seen=seen))
    found = translated(headers, value, seen=seen)
    assert isinstance(found.outcome, Commands)
    assert found.value == value


def test_only_what_became_commands_is_remembered() -> None:
    """A mended tenant file may make commands of the others, so they must go on whole each time."""
    others = [translated(but("ce_type", "shop.order")), translated(but("ce_source", "shop-9")), translated([])]
    seen = RecentKeys()
    for found in others:
        assert not isinstance(found.outcome, Commands)
        seen.enter(found)
        assert not seen.has(found.event_key or "", found.digest or "")


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    seen = RecentKeys(size=2)
    kept = [translated(but("ce_id", f"e{number}")) for number in range(3)]
    for found in kept:
        seen.enter(found)
        seen.enter(found)
    assert [seen.has(found.event_key or "", found.digest or "") for found in kept] == [False, True, True]


NASTY = st.sampled_from([
    "", " ", "\n", "0", "-0", "0.000001", "-999999999999999.999999", "999999999999999.999999", "1e5", "x" * 300,
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "0001-01-01", "9999-12-31",
    "a:b#c,d", "\u2028", "é" * 255, "\U0001f600", "GBP", "EUR", "JPY", "GB", "NO", "20", "100", "999.999999", None,
    True, 0, -1, 10**30, 1.5, [], {}, ["x"], {"id": "1"},
])  # fmt: skip


OPTIONAL = [
    (name,)
    for name in (
        "channel exchange_rate due_date total_tax reference purchase_order shipping_address lines order payment_id "
        "kind first_name"
    ).split()
]


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths of all that is in a document, itself left out."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in inner for found in ((*path, key), *leaves(item, (*path, key)))]


@given(st.data())
def test_no_event_is_a_failure_of_our_own(data: st.DataObject) -> None:
    """Whatever a source writes into one of its fields, it is booked, or it is told what is wrong with it."""
    name = data.draw(st.sampled_from([row.name for row in EVENT_TYPES.values() if not row.draft]))
    document = json.loads(json.dumps(EXAMPLES[name]))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from([*leaves(document), *OPTIONAL]))
        inner = document
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = copy.deepcopy(data.draw(NASTY))
    source = data.draw(st.sampled_from(["shop-1", "stripe-1", "crm-1"]))
    outcome = record(name, document, source=source).outcome
    assert not (isinstance(outcome, RefusedEvent) and outcome.cause == "bug"), outcome
