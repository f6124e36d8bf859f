"""Whatever is sent: a clear refusal, never a failure of ours."""

import contextlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors import auth
from connectors.base import HttpRequest, Unauthentic, VerifiedBody
from connectors.cloudevents.reading import Element, UnsupportedMediaType, read
from connectors.cloudevents.records import prepare
from connectors.stripe.verify import verify
from schemas.codec import Refused
from schemas.envelope import BATCH, STRUCTURED, Envelope
from schemas.events import UnknownType
from tests.unit.receiver.support import CRM, NOW, SHOP, STRIPE, event

# As aiohttp gives header values: text, with surrogates for bytes that are not UTF-8.
VALUES = st.text(st.characters(exclude_characters="\r\n\0", codec="utf-8"), max_size=40) | st.binary(max_size=20).map(
    lambda raw: raw.replace(b"\n", b"").decode(errors="surrogateescape")
)
NAMES = st.sampled_from(
    ["content-type", "ce-specversion", "ce-id", "ce-source", "ce-type", "ce-time", "ce-data", "ce-x-y", "ce-"]
)
CREDENTIALS = st.sampled_from(["ledgerstream-signature", "ledgerstream-source", "authorization", "stripe-signature"])
TYPES = st.sampled_from([STRUCTURED, BATCH, "application/json"])
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*event(), "", "x"]), inner),
    max_leaves=12,
)


def survives(request: HttpRequest) -> None:
    """Reads the request as the receiver does, and allows only the refusals that it knows."""
    try:
        found = read(VerifiedBody(request, lambda _: (SHOP,)))
    except (Refused, UnsupportedMediaType):
        return
    for element in (found,) if isinstance(found, Element) else found:
        if isinstance(element.event, Envelope):
            with contextlib.suppress(Refused, UnknownType):
                prepare(element.event, now=NOW, traceparent="00")


@given(st.lists(st.tuples(NAMES, VALUES), max_size=8), TYPES | VALUES, st.binary(max_size=60))
def test_any_headers_and_bytes(headers: list[tuple[str, str]], content_type: str, body: bytes) -> None:
    survives(HttpRequest("POST", "/v1/events", (("content-type", content_type), *headers), body))


@given(DOCUMENTS, st.booleans())
def test_any_document(document: Any, batch: bool) -> None:
    body = json.dumps([document, {**event(), "data": document}] if batch else document).encode()
    survives(HttpRequest("POST", "/v1/events", (("content-type", BATCH if batch else STRUCTURED),), body))


@given(st.lists(st.tuples(CREDENTIALS, VALUES), max_size=4), st.binary(max_size=20))
def test_any_credentials_prove_nothing(headers: list[tuple[str, str]], body: bytes) -> None:
    request = HttpRequest("POST", "/v1/events", tuple(headers), body)
    for check in (
        lambda: auth.authenticate(request, {SHOP.name: SHOP, CRM.name: CRM}, NOW),
        lambda: verify(request, STRIPE, NOW),
    ):
        try:
            check()
        except Unauthentic:
            continue
        raise AssertionError("let in")
