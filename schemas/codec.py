"""JSON to frozen structs, and errors that name the field, the value and what was expected."""

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
import orjson

from schemas.keys import digest

T = TypeVar("T")

# Its command record carries an event's bytes in base64 and its commands, and must fit a Kafka record of 1 MiB.
BODY_BYTES_MAX: Final = 300_000
DEPTH_MAX: Final = 32
_VALUE_CHARACTERS_MAX: Final = 80

_MESSAGE: Final = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>.*)`)?$", re.DOTALL)
_MISSING: Final = re.compile(r"^Object missing required field `(?P<field>[^`]+)`$")
_EXPECTED: Final = re.compile(r"^Expected (?P<expected>.*?)(?:, got `(?P<got>[^`]*)`)?$", re.DOTALL)
_STEP: Final = re.compile(r"\.(?P<field>\w+)|\[(?P<index>\d+|\.\.\.)\]")


class Refused(ValueError):
    """Input that does not fit its contract: `path` of the field, its `value` (shortened) and what was `expected`."""

    def __init__(self, path: str, value: str, expected: str) -> None:
        super().__init__(f"{path}: got {value}, expected {expected}")
        self.path = path
        self.value = value
        self.expected = expected


def shorten(value: object) -> str:
    """A value as one short line, for people."""
    text = value if isinstance(value, str) else _as_json(value)
    return text if len(text) <= _VALUE_CHARACTERS_MAX else text[: _VALUE_CHARACTERS_MAX - 1] + "…"


def _as_json(value: object) -> str:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return repr(value)


def check_limits(body: bytes, bytes_max: int = BODY_BYTES_MAX) -> None:
    """Refuses what is too large or too deep, before anything is decoded."""
    if len(body) > bytes_max:
        raise Refused("$", f"{len(body)} bytes", f"at most {bytes_max} bytes")
    # Fewer brackets than the limit cannot nest deeper than it: no need to walk such a body.
    if body.count(b"{") + body.count(b"[") > DEPTH_MAX and _depth(body) > DEPTH_MAX:
        raise Refused("$", "a document nested too deep", f"at most {DEPTH_MAX} levels")


def _depth(body: bytes) -> int:
    depth = deepest = 0
    outside = re.sub(rb'"(?:[^"\\]|\\.)*"', b"", body)
    for byte in re.findall(rb"[\[\]{}]", outside):
        depth += 1 if byte in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def load_json(body: bytes, bytes_max: int = BODY_BYTES_MAX) -> Any:
    """Any JSON document within the limits; Refused otherwise."""
    check_limits(body, bytes_max)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        got = body[max(error.pos - 10, 0) : error.pos + 20].decode(errors="replace")
        raise Refused("$", shorten(got), f"JSON ({error.msg} at byte {error.pos})") from None


def decoder(kind: type[T]) -> Callable[[bytes], T]:
    """A function from JSON bytes to `kind`, raising Refused with the field's path."""
    fast = msgspec.json.Decoder(kind)

    def decode(body: bytes) -> T:
        check_limits(body)
        try:
            return fast.decode(body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise _refusal(error, load_json(body)) from None

    return decode


def convert(document: Any, kind: type[T]) -> T:
    """An already parsed JSON document as `kind`, raising Refused with the field's path."""
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise _refusal(error, document) from None


def _refusal(error: Exception, document: Any) -> Refused:
    match = _MESSAGE.match(str(error))
    path = (match["path"] if match else None) or "$"
    what = match["what"] if match else str(error)
    missing = _MISSING.match(what)
    if missing:
        return Refused(f"{path}.{missing['field']}", "nothing", "a value: the field is required")
    expected = _EXPECTED.match(what)
    path, value = _look_up(document, path)
    return Refused(path, shorten(value), _plain(expected["expected"] if expected else what))


def _look_up(document: Any, path: str) -> tuple[str, Any]:
    """The value at a msgspec path. A step `[...]` (a dict value) cannot be followed: the path ends before it."""
    walked = "$"
    for step in _STEP.finditer(path):
        try:
            document = document[step["field"]] if step["field"] else document[int(step["index"])]
        except (KeyError, IndexError, ValueError, TypeError):
            break
        walked += step.group()
    return walked, document


_AMOUNT_WORDS: Final = 'an amount as text, such as "12.50"'


def _plain(expected: str) -> str:
    words = expected.replace("`", "")
    if r"[0-9]{1,15}" in words:
        return _AMOUNT_WORDS
    return (
        words.replace("matching regex", "matching")
        .replace("with a timezone component", "with a time zone, such as 2026-11-24T09:30:00Z")
        .replace("array", "list")
    )


def canonical(document: Any) -> bytes:
    """One byte string per JSON content, whatever its white space and order of fields."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def content_digest(type_: str, sequence: str | None, data: Any) -> str:
    """What makes two deliveries of one event key the same event.

    The time is left out, because producers stamp a retry anew.
    """
    return digest(type_.encode(), (sequence or "").encode(), canonical(data))


def to_json(value: Any) -> bytes:
    """A struct as JSON, fields in their declared order: equal values give equal bytes."""
    return msgspec.json.encode(value)
