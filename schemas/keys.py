"""The identities: which event, which entity, which effect, which document.

Every text here is stored and compared for ever. A change of one letter would book old business a second time, so
`keys.examples.json` holds examples that a test compares (design section 3).
"""

import hashlib
import re
from typing import Final, NamedTuple

SOURCE_PATTERN: Final = r"^[a-z0-9][a-z0-9-]{0,62}$"
KINDS: Final = ("order", "job", "customer", "channel", "payment", "refund", "dispute", "payout", "gateway", "xero")
MARK_LETTERS: Final = 12
_ID_CHARACTERS_MAX: Final = 255
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_SOURCE: Final = re.compile(SOURCE_PATTERN)
# RFC 4648 base32, five bits a letter from the digest's first bit on.
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_LETTER_SHIFTS: Final = tuple(64 - 5 * letter for letter in range(1, MARK_LETTERS + 1))
_MARK: Final = re.compile(rf"(?<![A-Za-z0-9])[{_LETTERS}]{{{MARK_LETTERS}}}(?![A-Za-z0-9])")


class EntityKey(NamedTuple):
    """A parsed entity key: `shop-1:order:1001`."""

    source: str
    kind: str
    id: str


def event_key(source: str, event_id: str) -> str:
    """`shop-1:evt_1`: CloudEvents promises that (source, id) is unique. A source name holds no colon, an id may."""
    return f"{source}:{event_id}"


def entity_key(source: str, kind: str, identifier: str) -> str:
    """`shop-1:order:1001`: what must stay in order."""
    return f"{source}:{kind}:{identifier}"


def parse_entity_key(text: str) -> EntityKey:
    """The parts of an entity key; ValueError with the expected form for anything else."""
    source, _, rest = text.partition(":")
    kind, _, identifier = rest.partition(":")
    if not is_source(source) or kind not in KINDS or not identifier:
        raise ValueError(f"expected source:kind:id such as shop-1:order:1001, got {text[:80]!r}")
    return EntityKey(source, kind, identifier)


def command_id(event: str, role: str) -> str:
    """`shop-1:evt_1#invoice`: the event and which of its effects this is, never a position or a rule's name."""
    return f"{event}#{role}"


def effect_key(entity: str, role: str) -> str:
    """`shop-1:order:1001#invoice`: one business fact in the books, whichever event tells of it."""
    return f"{entity}#{role}"


def entity_of_effect(effect: str) -> str:
    """The entity whose fact the effect is."""
    return effect.rpartition("#")[0]


def mark(effect: str) -> str:
    """Our digest in a Xero document: 12 base32 letters of the effect key that created it."""
    # base64.b32encode takes five times as long as the digest itself, and every document has a mark.
    bits = int.from_bytes(hashlib.sha256(effect.encode()).digest()[:8], "big")
    return "".join([_LETTERS[bits >> shift & 31] for shift in _LETTER_SHIFTS])


def marks_in(text: str) -> tuple[str, ...]:
    """What stands in a text of a Xero document and has the form of a mark, be it ours or that of something else."""
    return tuple(_MARK.findall(text))


def digest(*parts: bytes) -> str:
    """A SHA-256 over parts whose borders count, in hex: what makes two contents the same."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)
    return total.hexdigest()


def is_source(text: str) -> bool:
    """Whether `text` can be the name of a source."""
    return _SOURCE.fullmatch(text) is not None


def check_identifier(text: str) -> str | None:
    """Why `text` cannot be an id in a key, or None if it can."""
    if not text or len(text) > _ID_CHARACTERS_MAX:
        return f"1 to {_ID_CHARACTERS_MAX} characters"
    if _CONTROL.search(text):
        return "no control characters"
    if text != text.strip():
        return "no blanks at its ends"
    return None
