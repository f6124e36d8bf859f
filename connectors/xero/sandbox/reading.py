"""One posted element, read without regard to the case of its keys; a value of the wrong kind is `Malformed`."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from connectors.xero.sandbox.problems import Malformed
from connectors.xero.sandbox.wire import parse_date

Word = TypeVar("Word", bound=str)

_NUMBER_CHARACTERS_MAX = 40
# Far above Xero's largest amount; it keeps every product of two numbers within the digits that money is exact to.
_NUMBER_DIGITS_MAX = 18


class Element:
    """A posted object. A key that is missing and one that is null read the same: None."""

    __slots__ = ("_values", "path")

    def __init__(self, value: Any, path: str) -> None:
        if not isinstance(value, Mapping):
            raise Malformed.value(value, "Xero.API.Library.Object", path)
        self._values = {key.lower(): item for key, item in value.items()}
        self.path = path

    def raw(self, name: str) -> Any:
        return self._values.get(name.lower())

    def has(self, name: str) -> bool:
        return self._values.get(name.lower()) is not None

    def values(self) -> dict[str, Any]:
        """Everything posted, under lower-case names."""
        return dict(self._values)

    def names(self) -> set[str]:
        """The lower-case names that carry a value."""
        return {name for name, value in self._values.items() if value is not None}

    def text(self, name: str) -> str | None:
        value = self._values.get(name.lower())
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, bool | int | float):
            return str(value)
        raise Malformed.value(value, "System.String", f"{self.path}.{name}")

    def number(self, name: str) -> Decimal | None:
        value = self._values.get(name.lower())
        if value is None or value == "":
            return None
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            text = value.strip() if isinstance(value, str) else repr(value)
            try:
                amount = Decimal(text) if len(text) <= _NUMBER_CHARACTERS_MAX else None
            except InvalidOperation:
                amount = None
            if amount is not None and amount.is_finite() and abs(amount.adjusted()) <= _NUMBER_DIGITS_MAX:
                return amount
        raise Malformed.value(value, "System.Decimal", f"{self.path}.{name}")

    def day(self, name: str) -> date | None:
        value = self._values.get(name.lower())
        if value is None or value == "":
            return None
        try:
            return parse_date(value)
        except (TypeError, ValueError, OverflowError):
            raise Malformed.value(value, "System.DateTime", f"{self.path}.{name}") from None

    def flag(self, name: str) -> bool | None:
        value = self._values.get(name.lower())
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise Malformed.value(value, "System.Boolean", f"{self.path}.{name}")

    def word(self, name: str, allowed: Sequence[Word], kind: str) -> Word | None:
        """One of `allowed`, whatever the case it was sent in."""
        value = self._values.get(name.lower())
        if value is None:
            return None
        if isinstance(value, str):
            for choice in allowed:
                if choice == value or choice.lower() == value.lower():
                    return choice
        raise Malformed.value(value, f"Xero.API.Library.{kind}", f"{self.path}.{name}")

    def child(self, name: str) -> "Element | None":
        value = self._values.get(name.lower())
        return None if value is None else Element(value, f"{self.path}.{name}")

    def children(self, name: str) -> "list[Element] | None":
        value = self._values.get(name.lower())
        if value is None:
            return None
        if not isinstance(value, list):
            raise Malformed.value(value, f"System.Collections.Generic.List.{name}", f"{self.path}.{name}")
        return [Element(item, f"{self.path}.{name}[{place}]") for place, item in enumerate(value)]


def elements_of(body: Any, resource: str) -> list[Element]:
    """The posted elements: {"Invoices": [...]}, a bare list or a single bare object. Raises Malformed."""
    if isinstance(body, list):
        values = body
    elif isinstance(body, Mapping):
        wrapped = next((value for key, value in body.items() if key.lower() == resource.lower()), None)
        if wrapped is None:
            values = [body]
        else:
            values = wrapped if isinstance(wrapped, list) else [wrapped]
    else:
        raise Malformed.value(body, "Xero.API.Library.Request", resource)
    return [Element(value, f"{resource}[{place}]") for place, value in enumerate(values)]
