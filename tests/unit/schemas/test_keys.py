"""Identities are for ever: held by committed examples, and shown to tell different business apart."""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import keys
from schemas.codec import content_digest
from schemas.commands import decode_payload
from schemas.events import EVENT_TYPES, event_type
from schemas.events.examples import EXAMPLES
from streams.core.effects import payload_digest
from tests.support.rules import record

BOOK = json.loads(Path(keys.__file__).with_name("keys.examples.json").read_text(encoding="utf-8"))
EVENTS: list[dict[str, Any]] = BOOK["events"]
COMMANDS = [(event, command) for event in EVENTS for command in event["commands"]]

SOURCES = st.sampled_from(["a", "a-1", "1", "shop-1"])
KINDS = st.sampled_from(keys.KINDS)
IDS = st.text(st.sampled_from("a1:#/é "), min_size=1, max_size=8).filter(
    lambda text: keys.check_identifier(text) is None
)
ROLES = st.sampled_from(["invoice", "cancel", "contact:uk", "fee:txn_5", "payment"])


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: f"{event['source']}:{event['id']}")
def test_the_rules_make_the_keys_of_the_examples(event: dict[str, Any]) -> None:
    data = {**EXAMPLES[event["type"]], **event["fields"]}
    made = record(event["type"], data, source=event["source"], event_id=event["id"])
    assert (made.event_key, made.entity_key) == (event["event_key"], event["entity_key"])
    commands = getattr(made.outcome, "commands", ())
    assert [
        {
            "kind": command.kind,
            "command_id": command.command_id,
            "entity_key": command.entity_key,
            "effect_key": command.effect_key,
            **({"depends_on": list(command.depends_on)} if command.depends_on else {}),
            "mark": keys.mark(command.effect_key),
        }
        for command in commands
    ] == event["commands"]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: f"{event['source']}:{event['id']}")
def test_the_examples_are_made_of_their_parts(event: dict[str, Any]) -> None:
    assert keys.event_key(event["source"], event["id"]) == event["event_key"]
    kind, field = event_type(f"com.ledgerstream.{event['type']}.v1").entity
    identifier = event["fields"][field]
    assert keys.entity_key(event["source"], kind, identifier) == event["entity_key"]
    assert keys.parse_entity_key(event["entity_key"]) == (event["source"], kind, identifier)


@pytest.mark.parametrize(("event", "command"), COMMANDS, ids=[command["command_id"] for _, command in COMMANDS])
def test_the_keys_of_a_command_come_apart_again(event: dict[str, Any], command: dict[str, Any]) -> None:
    told, _, role = command["command_id"].rpartition("#")
    assert (told, keys.command_id(told, role)) == (event["event_key"], command["command_id"])
    entity, _, fact = command["effect_key"].rpartition("#")
    assert (entity, keys.effect_key(entity, fact)) == (command["entity_key"], command["effect_key"])
    assert keys.entity_of_effect(command["effect_key"]) == entity
    assert keys.mark(command["effect_key"]) == command["mark"]


def test_the_examples_show_every_kind_of_command_that_a_rule_makes() -> None:
    kinds = {command["kind"] for _, command in COMMANDS}
    assert kinds == {
        "UpsertContact", "UpsertInvoice", "CancelInvoice", "RecordPayment", "ReversePayment", "UpsertCreditNote",
        "RecordRefund",
    }  # fmt: skip


def test_one_fact_has_one_mark_and_two_facts_have_two() -> None:
    marks = {(command["effect_key"], command["mark"]) for _, command in COMMANDS}
    assert len(marks) == len({effect for effect, _ in marks}) == len({mark for _, mark in marks}) == 20


@pytest.mark.parametrize("row", BOOK["contents"], ids=lambda row: row["what"])
def test_the_digest_of_an_event_is_for_ever(row: dict[str, Any]) -> None:
    assert content_digest(row["type"], row["sequence"], row["data"]) == row["digest"]


@pytest.mark.parametrize("row", BOOK["payloads"], ids=lambda row: row["payload"]["kind"])
def test_the_digest_of_a_command_is_for_ever(row: dict[str, Any]) -> None:
    """A field that a release adds to a payload must not change it: equal business would look like other business."""
    assert payload_digest(decode_payload(json.dumps(row["payload"]).encode())) == row["digest"]


def test_every_entity_of_an_event_has_a_known_kind() -> None:
    assert {row.entity[0] for row in EVENT_TYPES.values()} < set(keys.KINDS)


@given(SOURCES, KINDS, IDS)
def test_an_entity_key_comes_apart_into_what_it_was_made_of(source: str, kind: str, identifier: str) -> None:
    assert keys.parse_entity_key(keys.entity_key(source, kind, identifier)) == (source, kind, identifier)


@given(st.tuples(SOURCES, IDS), st.tuples(SOURCES, IDS))
def test_two_events_have_two_keys(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (keys.event_key(*one) == keys.event_key(*other)) == (one == other)


@given(st.tuples(SOURCES, KINDS, IDS, ROLES), st.tuples(SOURCES, KINDS, IDS, ROLES))
def test_two_facts_have_two_effect_keys(one: tuple[str, str, str, str], other: tuple[str, str, str, str]) -> None:
    effects = [keys.effect_key(keys.entity_key(*parts[:3]), parts[3]) for parts in (one, other)]
    assert (effects[0] == effects[1]) == (one == other)
    assert (keys.mark(effects[0]) == keys.mark(effects[1])) == (one == other)


@given(st.tuples(SOURCES, IDS, ROLES), st.tuples(SOURCES, IDS, ROLES))
def test_two_commands_have_two_ids(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    ids = [keys.command_id(keys.event_key(*parts[:2]), parts[2]) for parts in (one, other)]
    assert (ids[0] == ids[1]) == (one == other)


@given(st.text())
def test_a_mark_is_the_beginning_of_a_digest_in_base32(effect: str) -> None:
    assert keys.mark(effect) == base64.b32encode(hashlib.sha256(effect.encode()).digest())[:12].decode()
    assert re.fullmatch(r"[A-Z2-7]{12}", keys.mark(effect))


@given(st.lists(st.binary(max_size=4), max_size=4), st.lists(st.binary(max_size=4), max_size=4))
def test_a_digest_sees_where_a_part_ends(one: list[bytes], other: list[bytes]) -> None:
    assert (keys.digest(*one) == keys.digest(*other)) == (one == other)


@pytest.mark.parametrize(
    "text",
    ["", "shop-1", "shop-1:order", "shop-1:order:", ":order:1001", "Shop 1:order:1001", "shop-1:Order:1001",
     "shop-1:basket:1001", "shop-1\n:order:1001", f"{'s' * 64}:order:1001"],
)  # fmt: skip
def test_what_is_no_entity_key_is_told_with_its_form(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected source:kind:id such as shop-1:order:1001, got ") as caught:
        keys.parse_entity_key(text)
    assert repr(text[:80]) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1001", None),
        ("a:b#c d/é", None),
        ("x" * 255, None),
        ("", "1 to 255 characters"),
        ("x" * 256, "1 to 255 characters"),
        ("a\tb", "no control characters"),
        ("1001\n", "no control characters"),
        ("\x7f", "no control characters"),
        (" 1001", "no blanks at its ends"),
        ("1001\u00a0", "no blanks at its ends"),
    ],
)
def test_what_can_be_an_id(text: str, why: str | None) -> None:
    assert keys.check_identifier(text) == why


def test_marks_are_found_whole_and_nothing_else() -> None:
    mark = keys.mark("shop-1:order:1001#invoice")
    assert keys.marks_in(f"1001 · PO 7 {mark}") == (mark,)
    assert keys.marks_in(f"https://example.com/go/{mark}") == (mark,)
    assert keys.marks_in(f"{mark}X {mark.lower()} {mark[:-1]} PO-2026/11") == ()
