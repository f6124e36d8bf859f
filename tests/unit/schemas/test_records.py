"""The other contracts: command records, dead letters, topics, states, and what `schemas.generate` is as a command."""

import datetime as dt
import json
import runpy
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from schemas import generate, raw
from schemas.codec import Refused, to_json
from schemas.commands import (
    PAYLOAD_VERSION,
    AnyPayload,
    CancelInvoice,
    Command,
    CommandRecord,
    Commands,
    Duplicate,
    Evidence,
    Ignored,
    Outcome,
    Payload,
    Pending,
    RecordPayment,
    RefusedEvent,
    UpsertContact,
    decode_payload,
    decode_record,
)
from schemas.dead_letter import STACKTRACE_CHARACTERS_MAX, DeadLetter, DlqHeader, dlq_headers, original_headers
from schemas.envelope import Envelope
from schemas.events import UnknownType, decode_event
from schemas.states import CAUSES, COMMAND_STATES, DISPOSITIONS, WaitReason, disposition_of
from schemas.topics import EVENT_PARTITIONS, EVENT_TOPICS, TOPICS, name_of

DAY = dt.date(2026, 11, 24)
NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
PAYMENT = RecordPayment(
    invoice="shop-1:order:1001#invoice",
    account_code="091",
    date=DAY,
    amount=Decimal("24.00"),
    currency="GBP",
    reference="pi_1 ABCDEFGHIJKL",
)
COMMAND = Command(
    command_id="stripe-1:evt_1#payment",
    effect_key="stripe-1:payment:pi_1#payment",
    entity_key="stripe-1:payment:pi_1",
    tenant="uk",
    payload=PAYMENT,
    depends_on=("shop-1:order:1001#invoice",),
)
OUTCOMES: list[Outcome] = [
    Commands((COMMAND, msgspec.structs.replace(COMMAND, tenant=None, payload=CancelInvoice(), sequence=7))),
    Ignored("the payment was declined"),
    Pending("no rule yet"),
    RefusedEvent(cause="poison", stage="translate", evidence=Evidence(message="no", xero_validation=("a", "b"))),
    Duplicate(),
]
LETTER = DeadLetter(
    dlq_id="d-1",
    subject="shop-1:evt_1#invoice",
    cause="data",
    stage="send",
    evidence=Evidence(
        message="Account code 'é' is not valid",
        http_status=400,
        xero_error_number=10,
        xero_validation=("Account code 'é' is not valid", "second"),
        xero_correlation_id="x-1",
        exception_type="KeyError",
        stacktrace="t" * (STACKTRACE_CHARACTERS_MAX + 1),
    ),
    topic="events.orders",
    partition=3,
    offset=41,
    timestamp_ms=1_795_512_600_000,
    attempts=2,
    first_failed_at=NOON,
    last_failed_at=NOON + dt.timedelta(minutes=1),
    key=b"order:1001\xff",
    value=b'{"a": 1}',
    headers=(("ce_id", b"evt_1"), ("other", b"\x00\xff"), ("dlq-id", b"old"), ("x-original-topic", b"old")),
    idempotency_key="xero-uk-led-7",
    trace_id="4bf9",
    replay_count=1,
    replay_of="d-0",
    edited_by="ada",
)


def record(outcome: Outcome) -> CommandRecord:
    return CommandRecord(
        topic="events.payments",
        partition=1,
        offset=2,
        timestamp_ms=3,
        outcome=outcome,
        event_time=NOON,
        key=b"\xff",
        value=b"\x00",
        headers=(("ce_id", b"\xff"),),
    )


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
def test_a_command_record_comes_back_as_it_went(outcome: Outcome) -> None:
    body = to_json(record(outcome))
    assert decode_record(body) == record(outcome)
    tag = "refused" if isinstance(outcome, RefusedEvent) else type(outcome).__name__.lower()
    assert json.loads(body)["outcome"]["outcome"] == tag


@pytest.mark.parametrize("body", [b"", b"{}", b'{"topic":"raw","outcome":{"outcome":"other"}}'])
def test_what_is_no_command_record_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_record(body)


def test_a_command_knows_its_kind_and_the_version_of_its_payload() -> None:
    assert (COMMAND.kind, COMMAND.version) == ("RecordPayment", PAYLOAD_VERSION)
    assert decode_payload(to_json(PAYMENT)) == PAYMENT


def test_full_state_and_facts_are_told_apart() -> None:
    kinds = {kind.__name__ for kind in get_args(AnyPayload) if kind.full_state}
    assert kinds == {"UpsertContact", "UpsertInvoice", "UpsertCreditNote", "CancelInvoice"}


def test_what_a_payload_says_by_default_is_not_written() -> None:
    """Else a field that a later release adds would change the digest of all that was booked before."""
    assert json.loads(to_json(CancelInvoice())) == {"kind": "CancelInvoice"}
    parts = {
        part
        for kind in get_args(AnyPayload)
        for field in msgspec.structs.fields(kind)
        for part in (field.type, *get_args(field.type))
        if isinstance(part, type) and issubclass(part, msgspec.Struct)
    }
    assert {part.__name__ for part in parts} == {"PostalAddress", "DocumentLine", "ClearedItem"}
    for struct in (*get_args(AnyPayload), *parts):
        assert struct.__struct_config__.omit_defaults, struct
    assert issubclass(UpsertContact, Payload)


def test_a_dead_letter_says_everything_in_its_headers() -> None:
    headers = dlq_headers(LETTER, agent="sender", group="ledgerstream", version="0.1.0")
    assert [name for name, _ in headers[:2]] == ["ce_id", "other"]
    assert headers[1] == ("other", b"\x00\xff")
    assert {name: value.decode() for name, value in headers[2:]} == {
        "dlq-id": "d-1",
        "dlq-original-topic": "events.orders",
        "dlq-original-partition": "3",
        "dlq-original-offset": "41",
        "dlq-original-timestamp": "1795512600000",
        "dlq-original-key": "order:1001\ufffd",
        "dlq-consumer-group": "ledgerstream",
        "dlq-agent": "sender",
        "dlq-stage": "send",
        "dlq-error-class": "data",
        "dlq-exception-type": "KeyError",
        "dlq-exception-message": "Account code 'é' is not valid",
        "dlq-exception-stacktrace": "t" * STACKTRACE_CHARACTERS_MAX,
        "dlq-http-status": "400",
        "dlq-xero-error-number": "10",
        "dlq-xero-validation": '["Account code \'é\' is not valid","second"]',
        "dlq-xero-correlation-id": "x-1",
        "dlq-attempts": "2",
        "dlq-first-failed-at": "2026-11-24T12:00:00+00:00",
        "dlq-last-failed-at": "2026-11-24T12:01:00+00:00",
        "dlq-idempotency-key": "xero-uk-led-7",
        "dlq-trace-id": "4bf9",
        "dlq-app-version": "0.1.0",
        "dlq-replay-count": "1",
        "dlq-replay-of": "d-0",
        "dlq-edited-by": "ada",
        "x-original-topic": "events.orders",
    }
    assert {name for name, _ in headers[2:]} == set(get_args(DlqHeader))


def test_a_dead_letter_says_nothing_that_it_does_not_know() -> None:
    bare = msgspec.structs.replace(
        LETTER, evidence=Evidence(message="m"), key=None, idempotency_key=None, trace_id=None, replay_of=None,
        edited_by=None, headers=(),
    )  # fmt: skip
    names = {name for name, _ in dlq_headers(bare, agent="a", group="g", version="v")}
    assert set(get_args(DlqHeader)) - names == {
        "dlq-original-key", "dlq-exception-type", "dlq-exception-stacktrace", "dlq-http-status",
        "dlq-xero-error-number", "dlq-xero-validation", "dlq-xero-correlation-id", "dlq-idempotency-key",
        "dlq-trace-id", "dlq-replay-of", "dlq-edited-by",
    }  # fmt: skip


def test_a_replayed_record_has_the_headers_it_came_with() -> None:
    assert original_headers(LETTER) == [("ce_id", b"evt_1"), ("other", b"\x00\xff")]


def test_the_topics_of_the_design() -> None:
    assert [topic.full_name() for topic in TOPICS.values()] == [
        f"ledgerstream.{name}"
        for name in (
            "raw", "events.orders", "events.jobs", "events.contacts", "events.payments", "events.payouts",
            "events.xero", "commands", "outcomes", "dead-letters", "ledger",
        )
    ]  # fmt: skip
    assert len(EVENT_TOPICS) == 6
    for name, topic in TOPICS.items():
        assert name_of(topic.full_name("t1."), "t1.") == name
    with pytest.raises(KeyError):
        name_of("ledgerstream.other")


def test_events_and_commands_have_one_number_of_partitions_and_only_the_ledger_is_compacted() -> None:
    assert {TOPICS[name].partitions for name in (*EVENT_TOPICS, "commands")} == {EVENT_PARTITIONS}
    compacted = {name for name, topic in TOPICS.items() if topic.cleanup_policy == "compact"}
    assert compacted == {"ledger"}
    assert TOPICS["ledger"].retention_ms is None
    assert TOPICS["raw"].cleanup_policy == "delete"
    assert TOPICS["raw"].retention_ms == 35 * 86_400_000


@pytest.mark.parametrize(
    ("states", "disposition"),
    [
        ([], "ignored"),
        (["superseded"], "superseded"),
        (["superseded", "same"], "posted"),
        (["posted", "posted"], "posted"),
        (["posted", "discarded"], "discarded"),
        (["discarded", "sent"], "waiting"),
        (["pending", "posted"], "waiting"),
        (["posted", "rejected", "pending", "discarded"], "dead_lettered"),
    ],
)
def test_an_event_ended_where_the_worst_of_its_commands_did(states: Any, disposition: str) -> None:
    assert disposition_of(states) == disposition
    assert disposition_of(states[::-1]) == disposition


def test_every_state_has_a_disposition_and_every_disposition_is_reached() -> None:
    assert {disposition_of([state]) for state in COMMAND_STATES} | {disposition_of([])} == set(DISPOSITIONS)


def test_the_words_are_those_of_the_design() -> None:
    assert COMMAND_STATES == ("pending", "sent", "posted", "rejected", "superseded", "same", "discarded")
    assert DISPOSITIONS == ("dead_lettered", "waiting", "discarded", "posted", "superseded", "ignored")
    assert len(set(CAUSES)) == 15
    assert len(set(get_args(WaitReason))) == 12


@pytest.mark.parametrize(
    ("type_", "message"),
    [
        ("com.ledgerstream.OrderPlaced.v2", "OrderPlaced is known here up to version 1, not version 2"),
        (
            "com.ledgerstream.OrderPacked.v1",
            "no event type 'com.ledgerstream.OrderPacked.v1' is known here; GET /v1/schemas lists them",
        ),
        ("orders/paid", "no event type 'orders/paid' is known here; GET /v1/schemas lists them"),
    ],
)
def test_a_type_that_is_not_known_is_told(type_: str, message: str) -> None:
    with pytest.raises(UnknownType) as caught:
        decode_event(Envelope(id="e", source="s", type=type_, data=b"{}"))
    assert str(caught.value) == message


def test_a_raw_record_whose_source_is_not_text_is_refused() -> None:
    headers = [("ls_source", b"\xff"), ("ls_connector", b"stripe"), ("ls_received_at", b"2026-11-24T09:30:00Z")]
    with pytest.raises(Refused) as caught:
        raw.from_kafka(headers, b"{}")
    assert (caught.value.path, caught.value.value) == ("ls_source", r"'\udcff'")
    assert to_json(Evidence(message=str(caught.value)))


def test_generate_is_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["schemas.generate", "--check"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(Path(generate.__file__)), run_name="__main__")
    assert caught.value.code == 0
