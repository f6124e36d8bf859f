"""What a field must be, in words that a person can follow: msgspec's messages speak of its types and of patterns."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

_MOMENT: Final = "RFC 3339 with a time zone, such as 2026-11-24T09:30:00Z"
_DATE: Final = "a date such as 2026-11-24"
_GUID: Final = "a GUID such as 717f2bfc-c6d4-41fd-b238-3f2f0c0cf777"

# A part of msgspec's message, and what it means. The patterns are those of schemas/events/fields.py.
_MEANINGS: Final = (
    ("(?=.*[1-9])", 'an amount as text, such as "12.50", more than zero'),
    ("[0-9]{1,15}", 'an amount as text, such as "12.50"'),
    ("[0-9]{1,3}", 'a percentage as text, such as "20"'),
    ("[A-Z]{3}", "an ISO 4217 code in capitals, such as GBP"),
    ("[A-Z]{2}", "an ISO 3166-1 code in capitals, such as GB"),
    ("[a-z0-9][a-z0-9-]", "the name of a source, such as shop-1"),
    (r"\\x7f]", "text without control characters and without blanks at its ends"),
    (r"'\\S'", "text that is not blank"),
    ("Invalid UUID", _GUID),
    ("RFC3339 encoded datetime", _MOMENT),
    ("with a timezone component", _MOMENT),
    ("RFC3339 encoded date", _DATE),
)
_TYPES: Final[Mapping[str, str]] = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "datetime": _MOMENT,
    "date": _DATE,
    "uuid": _GUID,
}
_EXPECTED: Final = re.compile(r"^Expected (?P<expected>.*?)(?:, got `(?P<got>[^`]*)`)?$", re.DOTALL)
STEP: Final = re.compile(r"\.(?P<field>\w+)|\[(?P<index>\d+|\.\.\.)\]")


def in_words(message: str, kind: type[Any], path: str) -> str:
    """What was expected at `path` of a `kind`, from msgspec's message about it (without its ` - at` part)."""
    if message.startswith("Invalid enum value"):
        return f"one of {', '.join(_choices(msgspec.json.schema(kind), path))}"
    for part, words in _MEANINGS:
        if part in message:
            return words
    match = _EXPECTED.match(message)
    if match is None:
        return message
    words = re.sub(r"`([^`]+)`", lambda types: _typed(types[1]), match["expected"])
    # The commonest mistake of all: 12.50 where "12.50" is meant.
    return f"{words} (in quotes)" if match["got"] in ("int", "float") and words.startswith("text") else words


def _typed(types: str) -> str:
    return " or ".join(_TYPES.get(name, name) for name in types.split(" | "))


def _choices(schema: Mapping[str, Any], path: str) -> list[str]:
    """The values that the JSON Schema allows at a path."""

    def within(node: Mapping[str, Any]) -> Mapping[str, Any]:
        while "enum" not in node and ("$ref" in node or "anyOf" in node):
            if "$ref" in node:
                node = schema["$defs"][node["$ref"].rpartition("/")[2]]
            else:
                node = next(choice for choice in node["anyOf"] if choice.get("type") != "null")
        return node

    node = within(schema)
    for step in STEP.finditer(path):
        inner = (
            node["properties"][step["field"]] if step["field"] else node.get("items") or node["additionalProperties"]
        )
        node = within(inner)
    return [str(value) for value in node["enum"]]
