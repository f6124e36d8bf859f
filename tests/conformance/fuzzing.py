"""Bodies that no source ever sent: documented ones with something wrong in them, by chance.

A mutation knows the words of the connector itself (every text in its source), as fuzzers that are given a dictionary:
else chance would hardly ever write "charge.dispute.closed".
"""

import ast
import copy
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
_STRANGE: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    7,
    10**9,
    10**19,
    -(10**30),
    0.1,
    1e308,
    "",
    " ",
    "0",
    "0.00",
    "-0.01",
    "12.50",
    "1e5",
    "NaN",
    "x" * 300,
    "é\u202e",
    "\x00",
    "2026-11-24T09:30:00Z",
    "2026-02-30T09:30:00Z",
    "GBP",
    "gbp",
    "JPY",
    "kwd",
    [],
    {},
    [None],
    [{}],
    {"id": "x"},
)

_KINDS: Final = ("type", "status", "kind", "object", "currency", "topic", "eventCategory", "eventType")


@cache
def words_of(folder: str) -> tuple[str, ...]:
    """Every text of up to 60 characters in the modules of a package, docstrings apart."""
    found: set[str] = set()
    for file in (ROOT / folder).rglob("*.py"):
        if "sandbox" not in file.parts:
            tree = ast.parse(file.read_text())
            found |= {
                node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
            }
    return tuple(sorted(word for word in found if 0 < len(word) <= 60 and "\n" not in word))


def mutated(body: bytes, others: Sequence[bytes], words: Sequence[str], chance: random.Random) -> bytes:
    """The body with one thing wrong, or some; now and then it is no JSON any more."""
    if chance.random() < 0.1:
        return _bytes_wrong(body, chance)
    try:
        document = json.loads(body)
        other = json.loads(chance.choice(others))
    except ValueError:
        return _bytes_wrong(body, chance)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        document = _wrong(document, other, words, chance)
    return json.dumps(document, ensure_ascii=chance.random() < 0.5).encode(errors="surrogatepass")


def _wrong(document: Any, other: Any, words: Sequence[str], chance: random.Random) -> Any:
    places = list(_places(document))
    if not places:
        return copy.deepcopy(chance.choice(_STRANGE))
    # What says of which kind a thing is decides most.
    kinds = [(parent, name) for parent, name in places if name in _KINDS]
    holder, key = chance.choice(kinds if kinds and chance.random() < 0.3 else places)
    match chance.randint(0, 6):
        case 0:
            del holder[key]
        case 1:
            holder[key] = copy.deepcopy(chance.choice(_STRANGE))
        case 2:
            holder[key] = chance.choice(_like(holder[key], words))
        case 3:
            _graft(holder, key, other, chance)
        case 4 if isinstance(holder, dict):
            holder[chance.choice(words)] = copy.deepcopy(chance.choice((*_STRANGE, chance.choice(words))))
        case 5 if isinstance(holder[key], list) and holder[key]:
            holder[key] = [copy.deepcopy(one) for one in holder[key] for _ in range(chance.randint(2, 4))]
        case _:
            holder[key] = _turned(holder[key], chance)
    return document


def _like(value: Any, words: Sequence[str]) -> Sequence[str]:
    """The words of the same make: as many dots, of small letters or not."""
    if not isinstance(value, str):
        return words
    found = [word for word in words if word.count(".") == value.count(".") and word.islower() == value.islower()]
    return found or words


def _graft(holder: Any, key: Any, other: Any, chance: random.Random) -> None:
    """The value that a field of this name has somewhere else."""
    same = [parent[name] for parent, name in _places(other) if name == key]
    holder[key] = copy.deepcopy(chance.choice(same) if same else other)


def _turned(value: Any, chance: random.Random) -> Any:
    """Something near: another number, another text, more or less of it."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return chance.choice((0, -value, value + 1, value * 100, str(value)))
    if isinstance(value, str):
        return chance.choice((value[1:], value + "0", value.swapcase(), "-" + value, f" {value}"))
    if isinstance(value, list):
        return value[1:]
    return [value]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(items):
        yield value, key
        yield from _places(item)


def _bytes_wrong(body: bytes, chance: random.Random) -> bytes:
    broken = bytearray(body or b"{")
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(broken) + 1)
        match chance.randint(0, 3):
            case 0:
                broken[at:at] = bytes([chance.randrange(256)])
            case 1:
                del broken[at : at + chance.randint(1, 20)]
            case 2:
                broken = broken[:at]
            case _:
                broken[at : at + 1] = chance.choice((b"[" * 200, b"{}", b'"', b"\xff\xfe", b"\\u0000", b"1e999"))
    return bytes(broken)
