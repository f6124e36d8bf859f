"""CloudEvents over HTTP: structured, binary and batched, from a request whose sender is proven. Pure.

Source: CloudEvents 1.0.2, HTTP protocol binding; section 3.1.3.2 has the percent-encoding of header values.
"""

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from connectors.base import HttpRequest, VerifiedBody
from schemas.codec import Refused, load_json, shorten
from schemas.envelope import BATCH, STRUCTURED, Envelope, from_attributes, from_document

EVENTS_MAX: Final = 500  # in one batch: their acknowledgements are awaited together
_PREFIX: Final = "ce-"
_NAME: Final = re.compile(r"[a-z0-9]{1,64}")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')


class UnsupportedMediaType(Exception):
    """The content type is none that carries a CloudEvent in JSON."""

    def __init__(self, got: str) -> None:
        super().__init__(got)
        self.got = got


@dataclass(frozen=True, slots=True)
class Element:
    """One event of a request, or why it is none. `id` is what the sender called it, as far as it can be read."""

    id: str | None
    event: Envelope | Refused


def read(verified: VerifiedBody) -> Element | tuple[Element, ...]:
    """The event of the request, or the events of a batch in their order.

    Raises UnsupportedMediaType, and Refused for a batch that cannot be taken apart.
    """
    request = verified.request
    content_type = ", ".join(request.values("content-type"))
    essence = content_type.partition(";")[0].strip().lower()
    if essence == BATCH:
        return _batch(load_json(request.body))
    if essence == STRUCTURED:
        return _structured(request.body)
    if essence.startswith("application/cloudevents") or not request.values("ce-specversion"):
        raise UnsupportedMediaType(content_type)
    return _binary(request)


def _batch(documents: Any) -> tuple[Element, ...]:
    if not isinstance(documents, list) or not 0 < len(documents) <= EVENTS_MAX:
        got = f"{len(documents)} events" if isinstance(documents, list) else shorten(documents)
        raise Refused("$", got, f"a list of 1 to {EVENTS_MAX} CloudEvents")
    return tuple(_document(document) for document in documents)


def _structured(body: bytes) -> Element:
    try:
        document = load_json(body)
    except Refused as refused:
        return Element(None, refused)
    return _document(document)


def _document(document: Any) -> Element:
    claimed = document.get("id") if isinstance(document, dict) else None
    try:
        return _named(from_document(document))
    except Refused as refused:
        return Element(None if claimed is None else shorten(claimed), refused)


def _binary(request: HttpRequest) -> Element:
    claimed = request.values("ce-id")
    try:
        attributes = _attributes(request)
        attributes["datacontenttype"] = ", ".join(request.values("content-type")) or None
        return _named(from_attributes(attributes, request.body))
    except Refused as refused:
        return Element(shorten(claimed[0]) if claimed else None, refused)


def _named(envelope: Envelope) -> Element:
    for name in envelope.extras:
        if not _NAME.fullmatch(name):
            raise Refused(shorten(name), "an attribute of this name", "names of small letters and digits, at most 64")
    return Element(envelope.id, envelope)


def _attributes(request: HttpRequest) -> dict[str, str | None]:
    attributes: dict[str, str | None] = {}
    for header, value in request.headers:
        if header.startswith(_PREFIX):
            name = header.removeprefix(_PREFIX)
            if name in attributes:
                raise Refused(name, "two headers", f"one {header} header")
            attributes[name] = _decoded(name, value)
    return attributes


def _decoded(name: str, value: str) -> str:
    quoted = _QUOTED.fullmatch(value)
    text = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else value
    try:
        return unquote_to_bytes(text.encode(errors="surrogateescape")).decode()
    except UnicodeDecodeError:
        raise Refused(name, shorten(value.encode(errors="replace").decode()), "UTF-8, percent-encoded") from None
