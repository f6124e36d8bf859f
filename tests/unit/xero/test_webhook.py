"""Xero's webhooks: whose they are, what they say, and what does not fit named with its place."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import HttpRequest, Secret, SourceConfig, Unauthentic
from connectors.xero.verify import verify
from connectors.xero.webhook import Change, Delivery, parse
from schemas.codec import Refused

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
# Xero's keys look like base64.
KEYS = tuple(base64.b64encode(text).decode() for text in (b"the key of last year", b"the key of this year"))
# The source's kind does not matter to `verify`.
XERO = SourceConfig(name="xero-1", connector="cloudevents", secrets=tuple(Secret(key) for key in KEYS))
TENANT = "c2cc9b6e-9458-4c7d-93cc-f02b81b0594f"
CONTACT = "717f2bfc-c6d4-41fd-b238-3f2f0c0cf777"
# As Xero's page "Events" shows it.
DOCUMENTED: dict[str, Any] = {
    "resourceUrl": f"https://api.xero.com/api.xro/2.0/Contacts/{CONTACT}",
    "resourceId": CONTACT,
    "eventDateUtc": "2017-06-21T01:15:39.902",
    "eventType": "Update",
    "eventCategory": "CONTACT",
    "tenantId": TENANT,
    "tenantType": "ORGANISATION",
}
NOTE = {**DOCUMENTED, "eventCategory": "CREDITNOTE", "data": {"Type": "ACCRECCREDIT", "Status": "AUTHORISED"}}
AT = datetime(2017, 6, 21, 1, 15, 39, 902_000, tzinfo=UTC)


def delivery(*events: Any, first: Any = 1, last: Any = 1, **more: Any) -> bytes:
    told = {"events": events, "firstEventSequence": first, "lastEventSequence": last, "entropy": "S0m3r4Nd0mt3xt"}
    return json.dumps({**told, **more}).encode()


BODY = delivery(DOCUMENTED)


def signature(body: bytes = BODY, key: str = KEYS[0]) -> str:
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def check(*signatures: str, body: bytes = BODY, source: SourceConfig = XERO) -> None:
    named = tuple(("x-xero-signature", text) for text in signatures)
    verify(HttpRequest("POST", "/v1/sources/xero-1", named, body), source, NOW)


@pytest.mark.parametrize("key", KEYS)
def test_either_key_proves_a_delivery_while_one_is_replaced(key: str) -> None:
    check(signature(key=key))


def test_the_signature_is_over_the_bytes_and_not_over_what_they_mean() -> None:
    spaced = BODY.replace(b":", b": ")
    check(signature(spaced), body=spaced)
    with pytest.raises(Unauthentic):
        check(signature(), body=spaced)
    check(signature(b"\xff\xfe"), body=b"\xff\xfe")


@pytest.mark.parametrize(
    "signatures",
    [
        (),
        ("",),
        (signature(key="the key of somebody else"),),
        (signature(BODY + b" "),),
        (signature().rstrip("="),),
        (signature() + " ",),
        (signature().swapcase(),),
        (base64.b64decode(signature()).hex(),),
        ("é\udcff",),
        (signature(), signature()),
        (signature(), signature(key="the key of somebody else")),
        # Signed with what the key would be if it were decoded.
        (signature(key="the key of last year"),),
    ],
)
def test_what_no_key_signed_is_refused(signatures: tuple[str, ...]) -> None:
    with pytest.raises(Unauthentic) as caught:
        check(*signatures)
    assert not caught.value.stale


def test_a_source_without_keys_takes_nothing() -> None:
    with pytest.raises(Unauthentic):
        check(signature(), source=SourceConfig(name="xero-2", connector="cloudevents"))


def test_the_documented_delivery_is_read_as_it_is() -> None:
    change = Change(TENANT, "Contacts", CONTACT, AT, "UPDATE")
    assert parse(BODY) == Delivery((change,), first_sequence=1, last_sequence=1, skipped=0)


def test_organisations_kinds_and_types_come_mixed_and_keep_their_order() -> None:
    other = "0f0e0d0c-1111-4222-8333-abcdefabcdef"
    mixed = (
        {**DOCUMENTED, "eventCategory": "Invoice", "eventType": "CREATE", "tenantId": other.upper()},
        {**NOTE, "eventCategory": "CreditNote", "data": {"Type": "accpaycredit", "Status": "Voided", "New": []}},
        {**DOCUMENTED, "eventType": "Merge"},
    )
    told = parse(delivery(*mixed, first=7, last=9))
    assert [(c.tenant_id, c.resource, c.type, c.document_type, c.status) for c in told.changes] == [
        (other, "Invoices", "CREATE", None, None),
        (TENANT, "CreditNotes", "UPDATE", "ACCPAYCREDIT", "VOIDED"),
        (TENANT, "Contacts", "MERGE", None, None),
    ]
    assert (told.first_sequence, told.last_sequence, told.skipped) == (7, 9, 0)


def test_what_is_not_known_is_counted_and_not_looked_into() -> None:
    subscription = {"eventCategory": "SUBSCRIPTION", "tenantType": "APPLICATION", "resourceId": 5}
    told = parse(delivery(subscription, DOCUMENTED, {"eventCategory": "Prepayment"}, hello=None))
    assert ([change.resource for change in told.changes], told.skipped) == (["Contacts"], 2)


def test_a_trial_of_the_signature_has_no_changes() -> None:
    assert parse(delivery(first=0, last=0)) == Delivery((), 0, 0, 0)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2017-06-21T01:15:39.902", AT),
        ("2017-06-21T01:15:39.902Z", AT),
        ("2017-06-21T13:15:39.902+12:00", AT),
        ("2017-06-21T01:15:39.9020000", AT),
        ("2017-06-21T01:15:39", AT.replace(microsecond=0)),
    ],
)
def test_a_time_is_utc_unless_it_says_otherwise(text: str, at: datetime) -> None:
    [change] = parse(delivery({**DOCUMENTED, "eventDateUtc": text})).changes
    assert (change.at, change.at.tzinfo) == (at, UTC)


def test_the_data_of_a_credit_note_may_be_missing() -> None:
    without = {name: value for name, value in NOTE.items() if name != "data"}
    for event in (without, {**NOTE, "data": None}, {**NOTE, "data": {}}):
        [change] = parse(delivery(event)).changes
        assert (change.resource, change.document_type, change.status) == ("CreditNotes", None, None)


GUID = "a GUID such as 717f2bfc-c6d4-41fd-b238-3f2f0c0cf777"


@pytest.mark.parametrize(
    ("body", "path", "value", "expected"),
    [
        (delivery(DOCUMENTED, {**DOCUMENTED, "resourceId": "7"}), "$.events[1].resourceId", "7", GUID),
        (delivery({**DOCUMENTED, "tenantId": None}), "$.events[0].tenantId", "null", GUID),
        (delivery({**DOCUMENTED, "eventType": 3}), "$.events[0].eventType", "3", "text (in quotes)"),
        (delivery({**DOCUMENTED, "eventType": "A\x00"}), "$.events[0].eventType", r"'A\x00'", "control characters"),
        (delivery({**DOCUMENTED, "eventDateUtc": "today"}), "$.events[0].eventDateUtc", "today", "2026-11-24T09:30"),
        (
            delivery({**DOCUMENTED, "eventDateUtc": "0001-01-01T00:00:00+14:00"}),
            "$.events[0].eventDateUtc",
            "0001-01-01T00:00:00+14:00",
            "a time that UTC has",
        ),
        (delivery({**NOTE, "data": {"Status": 1}}), "$.events[0].data.Status", "1", "text or null"),
        (delivery({}), "$.events[0].eventCategory", "nothing", "required"),
        (delivery(DOCUMENTED, 5), "$.events[1]", "5", "an object"),
        (delivery(events={}), "$.events", "{}", "a list"),
        (delivery(first=-1), "$.firstEventSequence", "-1", "a whole number >= 0"),
        (delivery(last=2**63), "$.lastEventSequence", str(2**63), "a whole number <= 9223372036854775807"),
        (delivery(first=5, last=4), "$.lastEventSequence", "4", "5 or more"),
        (b"[]", "$", "[]", "an object"),
        (b"", "$", "''", "JSON"),
        (b"[" * 40, "$", "a document nested too deep", "at most 32 levels"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(body: bytes, path: str, value: str, expected: str) -> None:
    with pytest.raises(Refused) as caught:
        parse(body)
    assert (caught.value.path, caught.value.value) == (path, value)
    assert expected in caught.value.expected


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from([*NOTE, "firstEventSequence", "lastEventSequence", "events"]), ANY)
def test_any_value_in_any_field_is_read_or_refused(field: str, value: Any) -> None:
    document = json.loads(delivery(NOTE, DOCUMENTED))
    (document if field in document else document["events"][0])[field] = value
    try:
        told = parse(json.dumps(document).encode())
    except Refused:
        return
    assert len(told.changes) + told.skipped == len(document["events"])


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with pytest.raises(Refused):
        parse(body)
