"""Selecting a page of a list: where, order, If-Modified-Since, paging. Shared by every resource."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from connectors.xero.sandbox.books.call import Call
from connectors.xero.sandbox.filters import Fields, comparable, parse_order, parse_where
from connectors.xero.sandbox.problems import Invalid
from connectors.xero.sandbox.wire import Json

Row = TypeVar("Row")
PAGE_SIZE: Final = 100
RESULTS_MAX: Final = 100_000


@dataclass(frozen=True)
class Listed(Generic[Row]):
    """How a resource is listed: its filterable fields, its id, and the moment of its last change."""

    fields: Fields[Row]
    id_of: Callable[[Row], str]
    updated: Callable[[Row], datetime]
    paged: bool = True


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows of one page. `thin` says that the call asked for no page, so that Xero leaves the lines out."""

    rows: list[Row]
    pagination: Json | None
    thin: bool


def select(call: Call, rows: Iterable[Row], listed: Listed[Row]) -> Page[Row]:
    """The rows that the call asks for, ascending by last change unless it says otherwise. Raises BadQuery, Invalid."""
    where = call.query.get("where", "")
    found = list(filter(parse_where(where, listed.fields), rows)) if where else list(rows)
    since = call.modified_since
    if since is not None:
        # The header has seconds only, so the second it names is included.
        found = [row for row in found if listed.updated(row) >= since]
    found.sort(key=lambda row: (listed.updated(row), listed.id_of(row)))
    order = call.query.get("order", "")
    if order:
        for getter, descends in reversed(parse_order(order, listed.fields)):
            found.sort(key=_sort_key(getter), reverse=descends)
    if len(found) > RESULTS_MAX:
        raise Invalid(f"The request matches more than {RESULTS_MAX} records: use paging or a narrower filter")
    if not listed.paged or not {"page", "pagesize", "summaryonly"} & call.query.keys():
        return Page(found, None, thin=listed.paged)
    page, size = call.whole("page", 1), min(call.whole("pageSize", PAGE_SIZE), call.switches.page_size_max)
    pagination = {
        "page": page,
        "pageSize": size,
        "pageCount": -(-len(found) // size),
        "itemCount": len(found),
    }
    return Page(found[(page - 1) * size : page * size], pagination, thin=call.flag("summaryOnly"))


def _sort_key(getter: Callable[[Row], Any]) -> Callable[[Row], Any]:
    def key(row: Row) -> tuple[bool, Any]:
        value = comparable(getter(row))
        return (value is not None, value if value is not None else 0)

    return key
