"""Idempotency keys as Xero keeps them: for 6 minutes from the first call, errors included."""

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

import orjson

from connectors.xero.sandbox.switches import Switches
from connectors.xero.sandbox.wire import Reply

KEY_CHARACTERS_MAX: Final = 128
METHODS: Final = frozenset(("POST", "PUT", "PATCH"))


@dataclass(slots=True)
class Entry:
    """The first call of a key: its fingerprint, the moment it came (unix seconds), and its answer once there is one."""

    key: str
    fingerprint: str
    first_at: float
    reply: Reply | None
    done: asyncio.Event


class Mismatch(Exception):
    """The key was used with a different request."""


class Keys:
    """All keys in their window, oldest first."""

    def __init__(self) -> None:
        self.entries: OrderedDict[str, Entry] = OrderedDict()

    def find(self, key: str, fingerprint: str, now: float, switches: Switches) -> Entry | None:
        """The first call with this key in the window, if any. Raises Mismatch."""
        self._expire(now, switches.key_life_s)
        entry = self.entries.get(key)
        if entry is not None and entry.fingerprint != fingerprint:
            raise Mismatch(key)
        return entry

    def open(self, key: str, fingerprint: str, now: float) -> Entry:
        """Remember that the first call with this key is under way."""
        entry = Entry(key, fingerprint, now, None, asyncio.Event())
        self.entries[key] = entry
        return entry

    def close(self, entry: Entry, reply: Reply) -> None:
        """Keep the answer that every later call with this key gets."""
        entry.reply = reply
        entry.done.set()

    def _expire(self, now: float, life_s: int) -> None:
        for key, entry in list(self.entries.items()):
            if entry.first_at + life_s > now:
                break
            if entry.reply is not None:
                del self.entries[key]


def fingerprint(method: str, target: str, body: bytes, kind: str) -> str:
    """What makes two requests the same: method, URL, and body (its bytes, or what they mean)."""
    if kind == "semantic":
        try:
            body = orjson.dumps(_sorted(orjson.loads(body)), option=orjson.OPT_SORT_KEYS)
        except orjson.JSONDecodeError:
            pass
    return hashlib.sha256(b"\0".join((method.encode(), target.encode(), body))).hexdigest()


def _sorted(value: Any) -> Any:
    """The value with keys in lower case: Xero reads keys without regard to case."""
    if isinstance(value, dict):
        return {key.lower(): _sorted(item) for key, item in value.items()}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
