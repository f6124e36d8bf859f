"""A GraphQL document, taken apart: one operation with its fields and arguments.

Fragments, directives and several operations are left out: a question that has them is refused with the place where it
could not be read.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_WORD: Final = re.compile(r'\s*,?\s*([A-Za-z_]\w*|\$\w+|-?[0-9]+|"(?:[^"\\]|\\.)*"|[{}()\[\]:!=])')


class Unreadable(ValueError):
    """The document is none that the sandbox can read."""


@dataclass(slots=True)
class Field:
    """One field. `name` is what is asked, `key` what it is called in the answer."""

    key: str
    name: str
    arguments: dict[str, Any]
    selection: list["Field"] = field(default_factory=list)


def read(document: str, variables: Mapping[str, Any]) -> tuple[str, list[Field]]:
    """The kind of the operation (query or mutation) and its fields, with the variables' values in their places."""
    reader = _Reader(_words(document), variables)
    kind = "query"
    if reader.next in ("query", "mutation"):
        kind = reader.take()
        if reader.next not in ("(", "{"):
            reader.take()  # the operation's name
        if reader.next == "(":
            reader.definitions()
    fields = reader.selection()
    if reader.next:
        raise Unreadable(f"expected one operation, got more: {reader.next}")
    return kind, fields


def _words(document: str) -> list[str]:
    found, at, text = [], 0, document.strip()
    while at < len(text):
        match = _WORD.match(text, at)
        if match is None:
            raise Unreadable(f"cannot read {text[at : at + 20]!r}")
        found.append(match[1])
        at = match.end()
    return found


class _Reader:
    def __init__(self, words: list[str], variables: Mapping[str, Any]) -> None:
        self._words = words
        self._at = 0
        self._variables = variables

    @property
    def next(self) -> str:
        return self._words[self._at] if self._at < len(self._words) else ""

    def take(self, expected: str = "") -> str:
        word = self.next
        if not word or (expected and word != expected):
            raise Unreadable(f"expected {expected or 'something'}, got {word or 'the end'}")
        self._at += 1
        return word

    def definitions(self) -> None:
        """`($id: ID!, $after: String)`: a variable that must be given and is not makes the question invalid."""
        self.take("(")
        while self.next != ")":
            name = self.take().removeprefix("$")
            self.take(":")
            self.take()
            if self.next == "!":
                self.take()
                if self._variables.get(name) is None:
                    raise Unreadable(f"Variable ${name} was provided invalid value")
        self.take(")")

    def selection(self) -> list[Field]:
        self.take("{")
        fields = []
        while self.next != "}":
            key = name = self.take()
            if self.next == ":":
                self.take(":")
                name = self.take()
            arguments = self._arguments() if self.next == "(" else {}
            fields.append(Field(key, name, arguments, self.selection() if self.next == "{" else []))
        self.take("}")
        return fields

    def _arguments(self, closing: str = ")") -> dict[str, Any]:
        self.take()
        found = {}
        while self.next != closing:
            name = self.take()
            self.take(":")
            found[name] = self._value()
        self.take(closing)
        return found

    def _value(self) -> Any:
        if self.next == "{":
            return self._arguments("}")
        word = self.take()
        if word.startswith("$"):
            return self._variables.get(word[1:])
        if word.startswith('"'):
            return word[1:-1].replace('\\"', '"')
        if word in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[word]
        return int(word) if word.lstrip("-").isdigit() else word
