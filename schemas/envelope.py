"""The envelope: CloudEvents 1.0, on HTTP and on Kafka, both modes read, binary written.

Sources: CloudEvents 1.0.2 core, its HTTP and Kafka protocol bindings, and the distributed-tracing, sequence,
partitioning and correlation extensions.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import msgspec
import orjson

from schemas import keys
from schemas.codec import Refused, load_json, shorten

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
SPEC_VERSION: Final = "1.0"
# An attribute of our own: the event was not told by its source, but found by a sweep. As a header of its record.
VIA: Final = "via"
VIA_SWEEP: Final = (f"ce_{VIA}", b"sweep")

_NOT_KEPT: Final = ("specversion", "datacontenttype")
# In the order in which they are written.
_KNOWN: Final = (
    "id",
    "source",
    "type",
    "time",
    "subject",
    "dataschema",
    "partitionkey",
    "sequence",
    "correlationid",
    "causationid",
    "traceparent",
)
_ATTRIBUTE_CHARACTERS_MAX: Final = 1024
_CONTROL: Final = re.compile(r"[\x00-\x1f]")
_SEQUENCE: Final = re.compile(r"[0-9]{1,18}")
_RFC_3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """One CloudEvent with its data as JSON bytes. `extras` keeps the attributes that we do not know."""

    id: str
    source: str
    type: str
    data: bytes
    time: str | None = None
    subject: str | None = None
    dataschema: str | None = None
    partitionkey: str | None = None
    sequence: str | None = None
    correlationid: str | None = None
    causationid: str | None = None
    traceparent: str | None = None
    extras: Mapping[str, str] = {}

    @property
    def key(self) -> str:
        """The event key: what makes this event the same as another delivery of it."""
        return keys.event_key(self.source, self.id)

    def attributes(self) -> dict[str, str]:
        """Every attribute that is set, by its CloudEvents name, without the data."""
        known = {name: value for name in _KNOWN if (value := getattr(self, name)) is not None}
        return {"specversion": SPEC_VERSION, **known, **self.extras}


def from_attributes(attributes: Mapping[str, Any], data: bytes) -> Envelope:
    """The envelope of checked attributes; Refused names the attribute that does not fit."""
    version = attributes.get("specversion")
    if version != SPEC_VERSION:
        raise Refused("specversion", shorten(version), f'"{SPEC_VERSION}"')
    known: dict[str, str] = {}
    extras: dict[str, str] = {}
    for name, value in attributes.items():
        if value is not None and name not in _NOT_KEPT:
            (known if name in _KNOWN else extras)[name] = _text(name, value)
    _check_required(known)
    if "time" in known:
        parse_time(known["time"])
    if "sequence" in known and not _SEQUENCE.fullmatch(known["sequence"]):
        raise Refused("sequence", shorten(known["sequence"]), "a whole number: the source's own version of the entity")
    _check_content_type(attributes.get("datacontenttype"))
    return Envelope(data=data, extras=extras, **known)


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        text = value
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, int):
        text = str(value)
    else:
        raise Refused(name, shorten(value), "a text")
    # Most texts are printable, and that is seen at once.
    if len(text) > _ATTRIBUTE_CHARACTERS_MAX or (not text.isprintable() and _CONTROL.search(text)):
        raise Refused(name, shorten(text), f"at most {_ATTRIBUTE_CHARACTERS_MAX} characters, no control characters")
    return text


def _check_required(texts: Mapping[str, str]) -> None:
    for name in ("id", "source", "type"):
        if not texts.get(name):
            raise Refused(name, "nothing", "a value: CloudEvents requires the attribute")
    if not keys.is_source(texts["source"]):
        raise Refused("source", shorten(texts["source"]), "the name of a configured source, such as shop-1")
    if (why := keys.check_identifier(texts["id"])) is not None:
        raise Refused("id", shorten(texts["id"]), why)


def _check_content_type(value: Any) -> None:
    if not value or value == "application/json":
        return
    essence = str(value).split(";")[0].strip().lower()
    if essence != "application/json" and not essence.endswith("+json"):
        raise Refused("datacontenttype", shorten(value), "application/json")


@lru_cache(maxsize=1024)
def parse_time(text: str) -> datetime:
    """An RFC 3339 time with its zone, in UTC; Refused otherwise. An event's time is asked for more than once."""
    try:
        if _RFC_3339.fullmatch(text):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # 30 February; or a moment of the year 1 that is in the year 0 in UTC
    raise Refused("time", shorten(text), "RFC 3339 with a time zone, such as 2026-11-24T09:30:00Z")


def from_document(document: Any) -> Envelope:
    """A CloudEvent in structured mode, already parsed."""
    if not isinstance(document, dict):
        raise Refused("$", shorten(document), "one CloudEvent as a JSON object")
    if "data_base64" in document:
        raise Refused("data_base64", "base64", "`data` with the event as JSON")
    if "data" not in document:
        raise Refused("data", "nothing", "the event as a JSON object")
    attributes = {name: value for name, value in document.items() if name != "data"}
    return from_attributes(attributes, orjson.dumps(document["data"]))


def from_structured(body: bytes) -> Envelope:
    """A CloudEvent in structured mode: the whole event is one JSON document."""
    return from_document(load_json(body))


def from_kafka(headers: Iterable[tuple[str, bytes]], value: bytes | None) -> Envelope:
    """A CloudEvent from a Kafka record, in whichever mode its content type says.

    Without `ce_` headers it can only be structured: the cloudevents package for Python writes structured records
    without the content type that the Kafka binding asks for. A record without a value is a tombstone: the events
    topics are not compacted, so it says nothing and is refused.
    """
    # Other headers are other people's, and may hold any bytes.
    content_type = ""
    attributes: dict[str, str] = {}
    for name, raw in headers:
        if name.startswith("ce_"):
            attributes[name[3:]] = _header(name, raw)
        elif name == "content-type":
            content_type = _header(name, raw)
    if value is None:
        raise Refused("$", "no value", "a CloudEvent: events topics take no tombstones")
    structured = content_type.lower().startswith(STRUCTURED)
    if not attributes and not structured and b'"specversion"' not in value:
        raise Refused("$", "no ce_ headers", f"a CloudEvent: ce_ headers, or content-type {STRUCTURED}")
    if structured or not attributes:
        return from_structured(value)
    if content_type:
        attributes["datacontenttype"] = content_type
    return from_attributes(attributes, value)


def _header(name: str, raw: bytes | None) -> str:
    try:
        return (raw or b"").decode()
    except UnicodeDecodeError:
        raise Refused(name, repr(raw)[:80], "UTF-8 text") from None


def to_kafka(envelope: Envelope) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    """Key, value and headers of a record in binary mode. The key: partition key, else subject, else id."""
    key = envelope.partitionkey or envelope.subject or envelope.id
    headers = [(f"ce_{name}", text.encode()) for name, text in envelope.attributes().items()]
    return key.encode(), envelope.data, [*headers, ("content-type", b"application/json")]
