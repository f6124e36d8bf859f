"""The records of the topic `raw`: what sources said, verified, before anyone has read it.

Key: the source. Value: the body of a request, byte for byte; or of what a sweep found in the source's API, one object.
Headers: `ls_source`, `ls_connector`, `ls_received_at`, `content-type`, `traceparent`, `ls_swept` for what a sweep
found, and `http_<name>` for each header of a request that the connector asked to keep.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from schemas.codec import Refused, shorten
from schemas.envelope import parse_time

_HTTP: Final = "http_"
SWEPT: Final = "ls_swept"


class RawRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One request, or one object that a sweep found: then `swept` says what was asked for ("orders"). `received_at` is
    in UTC; `headers` are the kept ones, names in lower case."""

    source: str
    connector: str
    body: bytes
    received_at: datetime
    content_type: str | None = None
    traceparent: str | None = None
    headers: Mapping[str, str] = {}
    swept: str | None = None


def to_kafka(record: RawRecord) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    """Key, value and headers of the record."""
    texts = {
        "ls_source": record.source,
        "ls_connector": record.connector,
        "ls_received_at": record.received_at.astimezone(UTC).isoformat(),
        "content-type": record.content_type,
        "traceparent": record.traceparent,
        SWEPT: record.swept,
        **{_HTTP + name: text for name, text in record.headers.items()},
    }
    headers = [(name, text.encode(errors="surrogateescape")) for name, text in texts.items() if text is not None]
    return record.source.encode(), record.body, headers


def from_kafka(headers: Iterable[tuple[str, bytes]], value: bytes | None) -> RawRecord:
    """The request of a record; Refused names the header that is missing or does not fit."""
    if value is None:
        raise Refused("$", "no value", "the body of a request")
    texts = {name: (raw or b"").decode(errors="surrogateescape") for name, raw in headers}
    return RawRecord(
        source=_required(texts, "ls_source"),
        connector=_required(texts, "ls_connector"),
        body=value,
        received_at=_time(_required(texts, "ls_received_at")),
        content_type=texts.get("content-type"),
        traceparent=texts.get("traceparent"),
        headers={name.removeprefix(_HTTP): text for name, text in texts.items() if name.startswith(_HTTP)},
        swept=texts.get(SWEPT),
    )


def _required(texts: Mapping[str, str], name: str) -> str:
    text = texts.get(name)
    if not text:
        raise Refused(name, "nothing", "a value: the receiver writes this header to every raw record")
    if not text.isprintable():
        raise Refused(name, shorten(text), "text")
    return text


def _time(text: str) -> datetime:
    try:
        return parse_time(text)
    except Refused as refused:
        raise Refused("ls_received_at", shorten(text), refused.expected) from None
