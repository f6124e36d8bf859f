"""A question's fields, taken from the shop's nodes; and what the question costs.

An object costs 1, a connection 2 and its nodes, a list as many objects as are asked for, a scalar nothing (Shopify's
page "API limits"). What a question is reckoned at before it is run counts every node that could come.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.shopify.sandbox.nodes import Connection
from connectors.shopify.sandbox.question import Field

Root = Mapping[str, Callable[[Mapping[str, Any]], Any]]


class Unknown(ValueError):
    """A field that the sandbox does not have."""


def reckoned(fields: Sequence[Field]) -> int:
    """The points that a question could cost."""
    total = 0
    for field in fields:
        if not field.selection:
            continue
        first = field.arguments.get("first")
        if first is None:
            total += 0 if field.name == "pageInfo" else 1 + reckoned(field.selection)
            continue
        nodes = next((one for one in field.selection if one.name == "nodes"), None)
        each = 1 + reckoned(field.selection if nodes is None else nodes.selection)
        total += int(first) * each + (0 if nodes is None else 2)
    return total


@dataclass(slots=True)
class Answering:
    """Answers one question. `cost` is what it did cost, once it is answered."""

    root: Root
    cost: int = 0

    def answer(self, fields: Sequence[Field]) -> dict[str, Any]:
        """The `data`. Raises Unknown, and what the root's functions raise."""
        found = {}
        for field in fields:
            if field.name not in self.root:
                raise Unknown(f"Field '{field.name}' doesn't exist on type 'QueryRoot'")
            found[field.key] = self._value(self.root[field.name](field.arguments), field)
        return found

    def _value(self, value: Any, field: Field) -> Any:
        if value is None:
            return None
        if isinstance(value, Connection):
            return self._page(value, field)
        if isinstance(value, tuple):
            return [self._object(one, field) for one in value[: field.arguments.get("first")]]
        if isinstance(value, dict):
            return self._object(value, field)
        if field.selection:
            raise Unknown(f"Selections can't be made on scalars (field '{field.name}')")
        return value

    def _object(self, value: Mapping[str, Any], field: Field) -> dict[str, Any]:
        if not field.selection:
            raise Unknown(f"Field must have selections (field '{field.name}')")
        self.cost += 1
        found = {}
        for one in field.selection:
            if one.name not in value:
                raise Unknown(f"Field '{one.name}' doesn't exist on the type of '{field.name}'")
            found[one.key] = self._value(value[one.name], one)
        return found

    def _page(self, connection: Connection, field: Field) -> dict[str, Any]:
        first, after = field.arguments.get("first"), field.arguments.get("after")
        if not isinstance(first, int) or not 0 < first <= 250:
            raise Unknown(f"you must provide first, from 1 to 250 (field '{field.name}')")
        self.cost += 2
        rest = [(key, node) for key, node in connection.nodes if after is None or key > after]
        page = rest[:first]
        info = {"hasNextPage": len(rest) > first, "endCursor": page[-1][0] if page else None}
        found: dict[str, Any] = {}
        for one in field.selection:
            if one.name == "nodes":
                found[one.key] = [self._object(node, one) for _, node in page]
            elif one.name == "pageInfo":
                found[one.key] = {inner.key: info.get(inner.name) for inner in one.selection}
            else:
                raise Unknown(f"Field '{one.name}' doesn't exist on the type of '{field.name}'")
        return found
