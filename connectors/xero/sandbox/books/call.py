"""What a resource's rules get to know of one call, and what they give back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from connectors.xero.sandbox.books.tables import Book
from connectors.xero.sandbox.problems import Invalid
from connectors.xero.sandbox.switches import Switches
from connectors.xero.sandbox.wire import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authorised call of one organisation. `now` is UTC; `unitdp` the places of unit amounts (2 or 4)."""

    book: Book
    switches: Switches
    now: datetime
    new_id: Callable[[], str]
    client_id: str
    query: Mapping[str, str] = field(default_factory=dict)
    modified_since: datetime | None = None
    unitdp: int = 2

    def today(self) -> date:
        """Today in the organisation's own zone."""
        return self.now.astimezone(ZoneInfo(self.book.organisation.zone)).date()

    def flag(self, name: str) -> bool:
        """A query parameter that is true or false, in any case."""
        return self.query.get(name.lower(), "").lower() == "true"

    def whole(self, name: str, default: int) -> int:
        """A query parameter that is a whole number of 1 or more. Raises Invalid."""
        text = self.query.get(name.lower(), "")
        if not text:
            return default
        if not text.isascii() or not text.isdigit() or int(text[:9]) < 1:
            raise Invalid(f"The value '{text[:40]}' is not valid for {name}: expected a whole number of 1 or more")
        return int(text[:9])

    def words(self, name: str) -> list[str] | None:
        """A comma separated query parameter, or None when it is not given."""
        text = self.query.get(name.lower(), "")
        return [word.strip() for word in text.split(",") if word.strip()] if text else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one posted element: its wire form, and the texts of what is wrong with it (none: committed)."""

    element: Json
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a list, in wire form; `pagination` where the resource has that block and the call asked for a page."""

    elements: list[Json]
    pagination: Json | None = None


class Rejected(Exception):
    """One element cannot be accepted; carries the texts."""

    def __init__(self, *errors: str) -> None:
        super().__init__(*errors)
        self.errors = errors
