"""The `where` and `order` of Xero's lists: a small parser and what it builds. Pure.

    expression  = conjunction { ("OR" | "||") conjunction }
    conjunction = term { ("AND" | "&&") term }
    term        = "(" expression ")" | operand [ ("==" | "=" | "!=" | "<" | "<=" | ">" | ">=") operand ]
    operand     = text | number | true | false | null | DateTime(y,m,d[,h,m,s]) | DateTime.Parse("...")
                | Guid("...") | field { "." ("ToLower" | "ToUpper") "(" ")" } [ "." method "(" operand ")" ]

Texts compare without regard to case and accents, as Xero's do. Anything else raises `BadQuery`.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Generic, NamedTuple, NoReturn, TypeVar

from connectors.xero.sandbox.problems import BadQuery

Row = TypeVar("Row")
Getter = Callable[[Row], Any]
Predicate = Callable[[Row], bool]
Fields = Mapping[str, Getter[Row]]

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?)
    |(?P<op>==|!=|<=|>=|&&|\|\||[=<>(),])|(?P<name>\.?[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*))""",
    re.VERBOSE,
)
_METHODS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "contains": lambda value, part: part in value,
    "startswith": lambda value, part: value.startswith(part),
    "endswith": lambda value, part: value.endswith(part),
    "equals": lambda value, part: value == part,
}
_CASES: Final = ("tolower", "toupper")
_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": lambda left, right: bool(left == right),
    "=": lambda left, right: bool(left == right),
    "!=": lambda left, right: bool(left != right),
    "<": lambda left, right: bool(left < right),
    "<=": lambda left, right: bool(left <= right),
    ">": lambda left, right: bool(left > right),
    ">=": lambda left, right: bool(left >= right),
}
_DEPTH_MAX: Final = 50
_LENGTH_MAX: Final = 8_000


def fold(text: str) -> str:
    """A text without case and accents."""
    # Lists are long, and most of their texts are plain.
    return text.lower() if text.isascii() else _without_accents(text)


@lru_cache(maxsize=8192)
def _without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()


def comparable(value: Any) -> Any:
    """A value as it is compared: texts folded, numbers decimal, dates and moments as moments in UTC."""
    if isinstance(value, str):
        return fold(value)
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value


def parse_where(text: str, fields: Fields[Row]) -> Predicate[Row]:
    """What `text` selects. `fields` maps lower-case paths ("contact.contactid") to getters. Raises BadQuery."""
    if len(text) > _LENGTH_MAX:
        raise BadQuery(f"The where clause is longer than {_LENGTH_MAX} characters")
    parser = _Parser(_tokens(text), fields)
    predicate = parser.expression(0)
    parser.end()
    return predicate


def parse_order(text: str, fields: Fields[Row]) -> list[tuple[Getter[Row], bool]]:
    """Getters with whether each descends, most significant first: "Date DESC, Name". Raises BadQuery."""
    keys = []
    for part in text.split(","):
        words = part.split()
        direction = words[1].upper() if len(words) == 2 else "ASC"
        if not words or len(words) > 2 or words[0].lower() not in fields or direction not in ("ASC", "DESC"):
            raise BadQuery(f"No property or field '{part.strip()}' exists to order by")
        keys.append((fields[words[0].lower()], direction == "DESC"))
    return keys


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


class _Operand(NamedTuple):
    """A field or literal: how to get its comparable value, and whether it is a condition by itself."""

    get: Callable[[Any], Any]
    is_condition: bool


def _tokens(text: str) -> list[_Token]:
    tokens = []
    at = 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise BadQuery(f"Syntax error (at index {at})")
        tokens.append(_Token(found.lastgroup, found[found.lastgroup], at))
        at = found.end()
    return tokens


class _Parser(Generic[Row]):
    """Recursive descent over the tokens; each method consumes what its grammar rule describes."""

    def __init__(self, tokens: list[_Token], fields: Fields[Row]) -> None:
        self._tokens = tokens
        self._fields = fields
        self._place = 0

    def expression(self, depth: int) -> Predicate[Row]:
        parts = [self._conjunction(depth)]
        while self._take_word("or", "||"):
            parts.append(self._conjunction(depth))
        return parts[0] if len(parts) == 1 else lambda row: any(part(row) for part in parts)

    def end(self) -> None:
        if self._place < len(self._tokens):
            self._fail()

    def _conjunction(self, depth: int) -> Predicate[Row]:
        parts = [self._term(depth)]
        while self._take_word("and", "&&"):
            parts.append(self._term(depth))
        return parts[0] if len(parts) == 1 else lambda row: all(part(row) for part in parts)

    def _term(self, depth: int) -> Predicate[Row]:
        if depth > _DEPTH_MAX:
            raise BadQuery(f"The where clause nests deeper than {_DEPTH_MAX} levels")
        if self._take_word("("):
            inside = self.expression(depth + 1)
            self._need(")")
            return inside
        left = self._operand()
        compare = _COMPARISONS.get(self._peek())
        if compare is None:
            if not left.is_condition:
                self._fail()
            return lambda row: left.get(row) is True
        self._place += 1
        return _comparison(left.get, compare, self._operand().get)

    def _operand(self) -> _Operand:
        token = self._next()
        if token.kind == "text":
            return _literal(comparable(_unquote(token.text)))
        if token.kind == "number":
            return _literal(Decimal(token.text))
        word = token.text.lower()
        if token.kind != "name":
            self._fail(token)
        if word in ("true", "false", "null"):
            value = {"true": True, "false": False, "null": None}[word]
            return _Operand(lambda _row: value, is_condition=isinstance(value, bool))
        if word in ("datetime", "datetime.parse", "guid"):
            return _literal(self._constructed(word))
        return self._field(token)

    def _field(self, token: _Token) -> _Operand:
        path, _, method = token.text.lower().rpartition(".")
        is_call = self._peek() == "("
        getter = self._fields.get(path if is_call else token.text.lower())
        if getter is None or (is_call and method not in (*_METHODS, *_CASES)):
            raise BadQuery(f"No property or field '{token.text}' exists (at index {token.at})")
        if not is_call:
            return _Operand(lambda row: comparable(getter(row)), is_condition=True)
        self._need("(")
        # All texts compare without regard to case, so these two change nothing, however often they are called.
        while method in _CASES:
            self._need(")")
            if not self._peek().startswith("."):
                return _Operand(lambda row: comparable(getter(row)), is_condition=False)
            token = self._next()
            method = token.text[1:].lower()
            if method not in (*_METHODS, *_CASES):
                self._fail(token)
            self._need("(")
        part, test = self._operand().get, _METHODS[method]
        self._need(")")

        def matches(row: Any) -> bool:
            value, wanted = comparable(getter(row)), part(row)
            return isinstance(value, str) and isinstance(wanted, str) and test(value, wanted)

        return _Operand(matches, is_condition=True)

    def _constructed(self, word: str) -> Any:
        self._need("(")
        values = [self._next()]
        while self._take_word(","):
            values.append(self._next())
        self._need(")")
        try:
            if word == "datetime":
                year, month, day, hour, minute, second = [int(value.text) for value in values] + [0] * (6 - len(values))
                return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
            text = _unquote(values[0].text) if values[0].kind == "text" and len(values) == 1 else ""
            if word == "guid" and text:
                return fold(text)
            moment = datetime.fromisoformat(text)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        except (TypeError, ValueError, OverflowError):
            raise BadQuery(f"Invalid {word} literal (at index {values[0].at})") from None

    def _peek(self) -> str:
        return self._tokens[self._place].text if self._place < len(self._tokens) else ""

    def _next(self) -> _Token:
        if self._place >= len(self._tokens):
            raise BadQuery("Expression expected: the where clause ends too early")
        self._place += 1
        return self._tokens[self._place - 1]

    def _take_word(self, *words: str) -> bool:
        taken = self._peek().lower() in words
        self._place += taken
        return taken

    def _need(self, text: str) -> None:
        if not self._take_word(text):
            self._fail()

    def _fail(self, token: _Token | None = None) -> NoReturn:
        token = token or (self._tokens[self._place] if self._place < len(self._tokens) else None)
        raise BadQuery("Syntax error: unexpected end" if token is None else f"Syntax error (at index {token.at})")


def _literal(value: Any) -> _Operand:
    return _Operand(lambda _row: value, is_condition=False)


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _comparison(left: Getter[Row], compare: Callable[[Any, Any], bool], right: Getter[Row]) -> Predicate[Row]:
    def holds(row: Row) -> bool:
        try:
            return compare(left(row), right(row))
        except TypeError:
            # A missing value is neither before nor after another one.
            return False

    return holds
