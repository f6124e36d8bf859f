"""Refusals name the field, its value and what was expected; limits hold before anything is decoded."""

import json
from decimal import Decimal
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import (
    BODY_BYTES_MAX,
    DEPTH_MAX,
    Refused,
    canonical,
    check_limits,
    content_digest,
    decoder,
    load_json,
    shorten,
    to_json,
)
from schemas.events import EVENT_TYPES
from schemas.events.examples import EXAMPLES

MOMENT = "RFC 3339 with a time zone, such as 2026-11-24T09:30:00Z"
TEXT = "text without control characters and without blanks at its ends"
AMOUNT = 'an amount as text, such as "12.50"'
STATUS = "one of AUTHORISED, DELETED, DRAFT, PAID, SUBMITTED, VOIDED"
KINDS = "one of deposit, discount, gift_card, goods, other, service, shipping, tip"
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def refused(body: bytes, kind: type[Any]) -> Refused:
    with pytest.raises(Refused) as caught:
        decoder(kind)(body)
    return caught.value


def with_field(name: str, path: tuple[str | int, ...], value: Any) -> bytes:
    """The example of an event type, with another value at a path."""
    document = json.loads(json.dumps(EXAMPLES[name]))
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("name", "path", "value", "got", "expected"),
    [
        ("OrderPlaced", ("total",), 24, "24", "text (in quotes)"),
        ("OrderPlaced", ("total",), 24.5, "24.5", "text (in quotes)"),
        ("OrderPlaced", ("total",), "24,00", "24,00", AMOUNT),
        ("OrderPlaced", ("total",), "1e3", "1e3", AMOUNT),
        ("OrderPlaced", ("total",), None, "null", "text"),
        ("OrderPlaced", ("total_tax",), True, "true", "text or null"),
        ("OrderPlaced", ("exchange_rate",), "0.00", "0.00", f"{AMOUNT}, more than zero"),
        ("OrderPlaced", ("lines", 0, "tax_rate"), "20%", "20%", 'a percentage as text, such as "20"'),
        ("OrderPlaced", ("lines", 0, "kind"), "product", "product", KINDS),
        ("OrderPlaced", ("lines", 0, "kind"), 7, "7", "text (in quotes)"),
        ("OrderPlaced", ("lines",), [], "[]", "a list of length >= 1"),
        ("OrderPlaced", ("lines",), {}, "{}", "a list"),
        ("OrderPlaced", ("customer",), "Ada", "Ada", "an object"),
        ("OrderPlaced", ("customer", "name"), " \t", r"' \t'", "text that is not blank"),
        ("OrderPlaced", ("customer", "name"), "", "''", "text of length >= 1"),
        ("OrderPlaced", ("customer", "address"), [], "[]", "an object or null"),
        ("ContactUpdated", ("country",), "uk", "uk", "an ISO 3166-1 code in capitals, such as GB"),
        ("OrderPlaced", ("currency",), "£", "£", "an ISO 4217 code in capitals, such as GBP"),
        ("OrderPlaced", ("order_id",), "1001\n", r"'1001\n'", TEXT),
        ("OrderPlaced", ("order_id",), " 1001", "' 1001'", TEXT),
        ("OrderPlaced", ("number",), "9" * 300, "9" * 79 + "…", "text of length <= 255"),
        ("OrderPlaced", ("taxes_included",), "yes", "yes", "true or false"),
        ("OrderPlaced", ("placed_at",), "2026-11-24T09:30:00", "2026-11-24T09:30:00", MOMENT),
        ("OrderPlaced", ("placed_at",), "24/11/2026", "24/11/2026", MOMENT),
        ("OrderPlaced", ("placed_at",), 1795512600, "1795512600", MOMENT),
        ("OrderPlaced", ("due_date",), "24.11.2026", "24.11.2026", "a date such as 2026-11-24"),
        ("PaymentFailed", ("kind",), "chargeback", "chargeback", "one of declined, reversed"),
        ("PaymentReceived", ("amount",), "-1.00", "-1.00", f"{AMOUNT}, more than zero"),
        ("PaymentReceived", ("order", "source"), "Shop 1", "Shop 1", "the name of a source, such as shop-1"),
        ("PaymentReceived", ("order", "kind"), "basket", "basket", "one of job, order"),
        ("InvoiceStatusChanged", ("previous_status",), "paid", "paid", STATUS),
        ("ContactMerged", ("merged_ids", 0), 8, "8", "text (in quotes)"),
    ],
)
def test_a_field_that_does_not_fit(name: str, path: tuple[str | int, ...], value: Any, got: str, expected: str) -> None:
    row = EVENT_TYPES[f"com.ledgerstream.{name}.v1"]
    with pytest.raises(Refused) as caught:
        row.decode(with_field(name, path, value))
    whole = "$" + "".join(f".{step}" if isinstance(step, str) else f"[{step}]" for step in path)
    assert str(caught.value) == f"{whole}: got {got}, expected {expected}"
    assert (caught.value.path, caught.value.value, caught.value.expected) == (whole, got, expected)


@pytest.mark.parametrize("row", EVENT_TYPES.values(), ids=lambda row: row.name)
def test_no_text_of_a_contract_takes_a_line_break_at_its_end(row: Any) -> None:
    """Python's `$` would: two orders, "1001" and "1001\\n", would become two invoices."""
    patterned = [
        field
        for field, schema in msgspec.json.schema(row.data)["$defs"][row.name]["properties"].items()
        if schema.get("pattern", "").startswith("^")
    ]
    assert patterned
    for field in patterned:
        value = EXAMPLES[row.name].get(field)
        if value is not None:
            with pytest.raises(Refused, match=rf"^\$\.{field}: got "):
                row.decode(with_field(row.name, (field,), f"{value}\n"))


def test_a_missing_field_is_named_with_its_place() -> None:
    decode = EVENT_TYPES["com.ledgerstream.OrderPlaced.v1"].decode
    with pytest.raises(Refused, match=r"^\$\.order_id: got nothing, expected a value: the field is required$"):
        decode(
            b"{}".replace(
                b"{}", json.dumps({**EXAMPLES["OrderPlaced"], "order_id": ...}, default=lambda _: 0).encode()
            ).replace(b'"order_id": 0, ', b"")
        )
    with pytest.raises(Refused, match=r"^\$\.lines\[0\]\.description: got nothing"):
        decode(with_field("OrderPlaced", ("lines", 0), {"id": "1"}))
    with pytest.raises(Refused, match=r"^\$: got \[\], expected an object$"):
        decode(b"[]")


class Loose(msgspec.Struct, forbid_unknown_fields=True):
    """Shapes that no event has, for whatever a later contract may use."""

    rates: dict[str, int] = {}
    sides: dict[str, Literal["left", "right"]] = {}
    ratio: float = 0


def test_the_path_ends_before_a_value_that_msgspec_does_not_name() -> None:
    assert str(refused(b'{"rates":{"a":1,"b":"x"}}', Loose)) == (
        '$.rates: got {"a":1,"b":"x"}, expected a whole number'
    )
    assert str(refused(b'{"sides":{"a":"up"}}', Loose)) == '$.sides: got {"a":"up"}, expected one of left, right'
    assert str(refused(b'{"ratio":"x"}', Loose)) == "$.ratio: got x, expected a number"


def test_a_message_in_other_words_is_passed_on() -> None:
    assert refused(b'{"other":1}', Loose).expected == "Object contains unknown field `other`"


@pytest.mark.parametrize(
    ("body", "got", "expected"),
    [
        (b"", "''", "JSON (Input is a zero-length, empty document at byte 0)"),
        (b"{", "{", "JSON ("),
        (b'{"order_id": "1001", "total": }', '"total": }', "JSON (unexpected character, expected a JSON value"),
        (b'{"note": "\xff"}', "{", "JSON (str is not valid UTF-8"),
        (b'{"total": NaN}', "NaN}", "JSON ("),
        (b"{} {}", "{} {}", "JSON (unexpected content after document at byte 3)"),
    ],
)
def test_what_is_not_json_is_shown_where_it_breaks(body: bytes, got: str, expected: str) -> None:
    for read in (load_json, decoder(dict[str, str])):
        with pytest.raises(Refused) as caught:
            read(body)
        assert caught.value.path == "$"
        assert got in caught.value.value
        assert caught.value.expected.startswith(expected)


def test_limits_hold_before_anything_is_decoded() -> None:
    with pytest.raises(
        Refused, match=rf"^\$: got {BODY_BYTES_MAX + 1} bytes, expected at most {BODY_BYTES_MAX} bytes$"
    ):
        load_json(b" " * (BODY_BYTES_MAX + 1))
    with pytest.raises(Refused, match=r"got 3 bytes, expected at most 2 bytes"):
        load_json(b"123", 2)
    deepest = b"[" * DEPTH_MAX + b"]" * DEPTH_MAX
    assert load_json(deepest)
    with pytest.raises(Refused, match=rf"^\$: got a document nested too deep, expected at most {DEPTH_MAX} levels$"):
        load_json(b"[" + deepest + b"]")


def test_brackets_in_texts_and_side_by_side_are_not_depth() -> None:
    check_limits(json.dumps(["[{" * 40, '\\"[[[[' * 10]).encode())
    check_limits(json.dumps([[1]] * 200).encode())
    with pytest.raises(Refused, match="nested too deep"):
        check_limits(('{"a":' * 33 + '"]"' + "}" * 33).encode())


@given(
    st.recursive(
        st.just('\\"[{]}'),
        lambda inner: st.lists(inner, min_size=1, max_size=2) | st.dictionaries(st.just("}"), inner, min_size=1),
        max_leaves=40,
    )
)
def test_depth_is_what_a_reader_finds(document: Any) -> None:
    def depth(value: Any) -> int:
        inner = value.values() if isinstance(value, dict) else value
        return 0 if isinstance(value, str) else 1 + max(depth(item) for item in inner)

    body = json.dumps([document] * 20).encode()
    if 1 + depth(document) <= DEPTH_MAX:
        check_limits(body)
    else:
        with pytest.raises(Refused, match="nested too deep"):
            check_limits(body)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain words", "plain words"),
        ("", "''"),
        (" ends ", "' ends '"),
        ("two\nlines", "'two\\nlines'"),
        ({"a": [1, None]}, '{"a":[1,null]}'),
        (b"bytes", "b'bytes'"),
        (Decimal("1.50"), "Decimal('1.50')"),
        ("\ud800", "'\\ud800'"),
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 79 + "…"),
        (["y" * 100], '["' + "y" * 77 + "…"),
    ],
)
def test_a_value_is_shown_on_one_short_line(value: object, text: str) -> None:
    assert shorten(value) == text


@given(st.from_type(object) | JSON)
def test_any_value_is_one_short_printable_line(value: object) -> None:
    text = shorten(value)
    assert 0 < len(text) <= 80
    assert len(text.splitlines()) == 1


@given(JSON)
def test_one_content_has_one_digest_whatever_its_form(document: Any) -> None:
    respelled = load_json(json.dumps(document, indent=3, sort_keys=True).encode())
    assert content_digest("t", "1", respelled) == content_digest("t", "1", load_json(json.dumps(document).encode()))
    assert load_json(canonical(document)) == document


@given(JSON, JSON)
def test_other_content_has_another_digest(one: Any, other: Any) -> None:
    same = canonical(one) == canonical(other)
    assert (content_digest("t", None, one) == content_digest("t", None, other)) == same


def test_type_and_sequence_are_part_of_the_content() -> None:
    digests = {content_digest(*parts) for parts in (("t", None, 1), ("t", "1", 1), ("t1", None, 1), ("t", None, "1"))}
    assert len(digests) == 4
    assert content_digest("t", "", 1) == content_digest("t", None, 1)


def test_equal_structs_give_equal_bytes() -> None:
    assert to_json(Loose(ratio=0.5, rates={"a": 1})) == b'{"rates":{"a":1},"sides":{},"ratio":0.5}'
