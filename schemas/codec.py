"""JSON to frozen structs, and errors that name the field, the value and what was expected."""

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
import orjson

from schemas.expectations import STEP, in_words
from schemas.keys import digest

T = TypeVar("T")

# Its command record carries an event's bytes in base64 and its commands, and must fit a Kafka record of 1 MiB.
BODY_BYTES_MAX: Final = 300_000
DEPTH_MAX: Final = 32
_VALUE_CHARACTERS_MAX: Final = 80

_MISSING: Final = re.compile(r"^Object missing required field `(?P<field>[^`]+)`$")


class Refused(ValueError):
    """Input that does not fit its contract: `path` of the field, its `value` (shortened) and what was `expected`."""

    def __init__(self, path: str, value: str, expected: str) -> None:
        super().__init__(f"{path}: got {value}, expected {expected}")
        self.path = path
        self.value = value
        self.expected = expected


def shorten(value: object) -> str:
    """A value as one short line, for people. Text with what the eye would miss (blanks, line breaks) is in quotes."""
    text = value if isinstance(value, str) else _as_json(value)
    if not text.isprintable() or text.strip() != text or not text:
        text = repr(text)
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
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _refusal(error, load_json(body), kind) from None

    return decode


def _refusal(error: Exception, document: Any, kind: type[Any]) -> Refused:
    message, _, place = str(error).partition(" - at `")
    path = place.removesuffix("`") or "$"
    missing = _MISSING.match(message)
    if missing:
        return Refused(f"{path}.{missing['field']}", "nothing", "a value: the field is required")
    walked, value = _look_up(document, path)
    return Refused(walked, shorten(value), in_words(message, kind, path))


def _look_up(document: Any, path: str) -> tuple[str, Any]:
    """The value at a msgspec path. A step `[...]` (a dict value) cannot be followed: the path ends before it."""
    walked = "$"
    for step in STEP.finditer(path):
        try:
            document = document[step["field"]] if step["field"] else document[int(step["index"])]
        except (KeyError, IndexError, ValueError, TypeError):
            break
        walked += step.group()
    return walked, document


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
