"""Lines for people, differences of payloads, and what a record read again is known by: by literals."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from schemas import envelope
from schemas.envelope import Envelope
from streams.core.differences import Change, differences
from streams.desk.auditing import read_record
from streams.desk.lines import age, command, entity, moment, remedy, side_text
from streams.desk.story import document_text, story_of
from streams.kafka.records import Record
from streams.ledger.timeline import DocumentView, NewsView, Timeline

ID = "6f1d4c52-6a60-5b0e-9c39-3c1f0f6f7f10"
SHORT = "6f1d4c52-6a60"


@pytest.mark.parametrize(
    ("words", "verb"),
    [
        ("Add the rate under taxes.rates in uk.yaml, then replay.", "replay"),
        ("Unreconcile it, then `ledgerstream dlq replay ID`; or `ledgerstream dlq discard ID`.", "replay"),
        ("Have the producer send it again under a new id, and discard this one.", "discard"),
        (None, "replay"),
    ],
)
def test_the_command_is_the_last_step_of_the_remedy(words: str | None, verb: str) -> None:
    assert command(ID, words).startswith(f"ledgerstream dlq {verb} {SHORT}")


def test_a_remedy_names_its_letter() -> None:
    assert remedy(ID, "Mend it, then `ledgerstream dlq replay ID`.") == (
        f"Mend it, then `ledgerstream dlq replay {SHORT}`."
    )
    edited = (
        "`ledgerstream dlq show ID --data > event.json`, set it, then `ledgerstream dlq replay ID --edit event.json`."
    )
    assert remedy(ID, edited) == edited.replace("ID", SHORT)
    assert command(ID, edited) == f"ledgerstream dlq show {SHORT} --data"
    assert f"dlq discard {SHORT} --reason " in (remedy(ID, "`ledgerstream dlq discard ID`.") or "")
    assert remedy(ID, None) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.9, "59 s"), (60, "1 min"), (3_600, "1 h"), (86_399, "23 h"), (172_800, "2 d")],
)
def test_ages_have_one_unit(seconds: float, words: str) -> None:
    assert age(seconds) == words


def test_times_carry_their_zone_and_keys_are_words() -> None:
    assert moment(datetime(2026, 11, 24, 9, 5, tzinfo=UTC)) == "2026-11-24 09:05:00 UTC"
    assert moment(None) == ""
    assert entity("shop-1:order:1001") == "order 1001 of shop-1"
    assert entity("stop:uk/*") == "stop:uk/*"


@pytest.mark.parametrize(
    ("name", "side", "text"),
    [
        ("Total", {"Total": "24.0", "CurrencyCode": "GBP"}, "24.00"),
        ("Total", {"Total": 24}, "24.00"),
        ("AmountDue", {"AmountDue": "1200.0", "CurrencyCode": "JPY"}, "1200"),
        ("Reference", {"Reference": "24.0"}, "24.0"),
        ("Contact", {"Contact": {"ContactID": "c"}}, '{"ContactID":"c"}'),
        ("Total", {}, ""),
    ],
)
def test_the_sides_of_a_question_show_money_as_money(name: str, side: dict[str, Any], text: str) -> None:
    assert side_text(name, side) == text


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"Total": "24.0", "CurrencyCode": "GBP", "Status": "PAID"}, "Invoices, S1-1, PAID, total 24.00, uk, x"),
        ({"Amount": "500.0", "Invoice": {"CurrencyCode": "JPY"}}, "Invoices, S1-1, total 500, uk, x"),
        ({"Amount": "500.5"}, "Invoices, S1-1, total 500.50, uk, x"),
        (None, "Invoices, S1-1, uk, x"),
        (
            {"Status": "AUTHORISED", "Total": "24.0", "AmountPaid": "4.0", "AmountDue": 20, "CurrencyCode": "GBP"},
            "Invoices, S1-1, AUTHORISED, total 24.00, paid 4.00, due 20.00, uk, x",
        ),
        (
            {"Status": "VOIDED", "Total": "24.0", "AmountPaid": 0, "AmountDue": 0, "CurrencyCode": "GBP"},
            "Invoices, S1-1, VOIDED, total 24.00, uk, x",
        ),
    ],
)
def test_a_document_in_one_line(body: Any, told: str) -> None:
    document = DocumentView(
        effect_key="e", tenant="uk", resource="Invoices", xero_id="x", number="S1-1", mark="m", current_command="c",
        posted_at=None, body=body,
    )  # fmt: skip
    assert document_text(document) == told
    seen = msgspec.structs.replace(document, read_at=datetime(2026, 11, 24, 9, 5, tzinfo=UTC))
    assert document_text(seen) == f"{told}, seen 2026-11-24 09:05:00 UTC"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (
            {
                "number": "S1-1",
                "changes": ["sent", "edited"],
                "fields": [{"field": "DueDate", "before": "2026-11-20", "after": "2027-01-01"}],
            },
            ("S1-1", "in Xero, not by us: sent, edited: DueDate 2026-11-20 → 2027-01-01"),
        ),
        ({"name": "Ada", "changes": ["archived"], "fields": []}, ("Ada", "in Xero, not by us: archived")),
    ],
)
def test_a_story_shows_what_people_did_in_xero(data: dict[str, Any], told: tuple[str, str]) -> None:
    at = datetime(2026, 11, 24, 9, 5, tzinfo=UTC)
    theirs, ours = (
        NewsView(resource="Invoices", xero_id="x", number=number, at=at, data={**data, "by": by})
        for number, by in enumerate(("others", "us"))
    )
    story = story_of("S1-1", Timeline(entities=("shop-1:order:1",), news=(theirs, ours)), at)
    assert [(one.about, one.text) for one in story.happened] == [told]
    assert story.news == (theirs, ours)


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [Change("a", 1, 2)]),
        ({"a": 1}, {"b": 1}, [Change("a", 1, None), Change("b", None, 1)]),
        ({"lines": [{"tax": "A"}]}, {"lines": [{"tax": "B"}]}, [Change("lines[0].tax", "A", "B")]),
        ({"lines": [1, 2]}, {"lines": [1]}, [Change("lines[1]", 2, None)]),
        (None, {"lines": [{"tax": "A"}]}, [Change("lines[0].tax", None, "A")]),
        ({"a": {"b": 1}}, {"a": [1]}, [Change("a", {"b": 1}, [1])]),
        (None, None, []),
    ],
)
def test_differences_are_named_by_their_path(before: Any, after: Any, found: list[Change]) -> None:
    assert differences(before, after) == found


def test_a_record_read_again_is_known_by_its_bytes() -> None:
    event = Envelope(id="e1", source="shop-1", type="com.ledgerstream.OrderPlaced.v1", data=b'{"a":1}')
    key, value, headers = envelope.to_kafka(event)

    def read(body: bytes) -> tuple[str | None, str | None]:
        found = read_record("events.orders", 0, Record(key, body, tuple(headers), 7, 0))
        assert found[:3] == ("events.orders", 0, 7)
        return found.event_key, found.digest

    assert read(value)[0] == "shop-1:e1"
    assert read(value)[1] == read(b'{ "a": 1 }')[1]
    assert read(value)[1] != read(b'{"a":2}')[1]
    assert read(b"{") == ("shop-1:e1", None)
    assert read_record("events.orders", 0, Record(b"", b"", (), 8, 0)).event_key is None
