"""Whether a new version of a JSON Schema still takes, and still gives, what the committed one promised. Pure.

A producer that follows the committed schema must go on being understood, and a consumer of ours must find the fields
it was promised. So nothing is taken away, nothing becomes narrower, and nothing becomes required.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

_LOWER_BOUNDS: Final = ("minLength", "minItems", "minimum")
_UPPER_BOUNDS: Final = ("maxLength", "maxItems", "maximum")
_REMEDY: Final = "Keep it, or make a new major version of the type."


def problems(old: Schema, new: Schema, name: str) -> list[str]:
    """A sentence for each change of `name` that breaks the promise of `old`; empty if there is none."""
    return [f"{name}{what} {_REMEDY}" for what in _compare(_Place(old, old), _Place(new, new), "")]


class _Place:
    """A schema within its document, through its references and without the alternative null."""

    def __init__(self, node: Schema, root: Schema) -> None:
        while "$ref" in node:
            node = root["$defs"][str(node["$ref"]).rpartition("/")[2]]
        choices = node.get("anyOf", [node])
        self.nullable = any(choice.get("type") == "null" for choice in choices)
        self.root = root
        self.node: Schema = node
        others = [choice for choice in choices if choice.get("type") != "null"]
        if self.nullable and len(others) == 1:
            self.node = _Place(others[0], root).node

    def inner(self, node: Schema) -> "_Place":
        return _Place(node, self.root)


def _compare(old: _Place, new: _Place, path: str) -> Iterator[str]:
    if old.nullable and not new.nullable:
        yield f"{path}: null is no longer taken."
    before, after = old.node, new.node
    if before.get("type") != after.get("type") or before.get("anyOf") != after.get("anyOf"):
        yield f"{path}: the type changed from {before.get('type')} to {after.get('type')}."
        return
    yield from _narrowed(before, after, path)
    if "items" in before:
        yield from _compare(old.inner(before["items"]), new.inner(after["items"]), f"{path}[]")
    fields, known = before.get("properties", {}), after.get("properties", {})
    for field, schema in fields.items():
        if field not in known:
            yield f"{path}.{field}: the field is gone."
        else:
            yield from _compare(old.inner(schema), new.inner(known[field]), f"{path}.{field}")
    for field in sorted(set(after.get("required", ())) - set(before.get("required", ()))):
        yield f"{path}.{field}: the field is newly required."


def _narrowed(before: Schema, after: Schema, path: str) -> Iterator[str]:
    if "enum" in after and (gone := [value for value in before.get("enum", ["any"]) if value not in after["enum"]]):
        yield f"{path}: no longer takes {', '.join(str(value) for value in gone)}."
    for keyword in ("pattern", "format"):
        if after.get(keyword) not in (None, before.get(keyword)):
            yield f"{path}: {keyword} changed from {before.get(keyword)} to {after[keyword]}."
    for keyword in (*_LOWER_BOUNDS, *_UPPER_BOUNDS):
        if keyword not in after or before.get(keyword) == after[keyword]:
            continue
        bound = before.get(keyword)
        if bound is None or (after[keyword] > bound) == (keyword in _LOWER_BOUNDS):
            yield f"{path}: {keyword} is narrower, {bound} before and {after[keyword]} now."
