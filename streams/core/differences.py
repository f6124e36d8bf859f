"""Where two JSON values differ: what a replay changes, and what two deliveries of one event say differently."""

from itertools import zip_longest
from typing import Any

import msgspec


class Change(msgspec.Struct, frozen=True):
    """One place of a value that is different; None where there was or is nothing."""

    path: str
    before: Any
    after: Any


def differences(before: Any, after: Any, path: str = "") -> list[Change]:
    """The places where two JSON values differ, as paths such as `lines[0].tax_type`."""
    sides = [side for side in (before, after) if side is not None]
    if sides and all(isinstance(side, dict) for side in sides):
        left, right = before or {}, after or {}
        names = dict.fromkeys((*left, *right))
        return [one for name in names for one in differences(left.get(name), right.get(name), _join(path, name))]
    if sides and all(isinstance(side, list) for side in sides):
        pairs = enumerate(zip_longest(before or [], after or []))
        return [one for number, (left, right) in pairs for one in differences(left, right, f"{path}[{number}]")]
    return [] if before == after else [Change(path, before, after)]


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
