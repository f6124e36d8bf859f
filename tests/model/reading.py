"""What the abstract Xero shows when it is asked: the few filters that the sender uses."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Final

from tests.model.books import IDS, NUMBERS, Books, Document

_TERM: Final = re.compile(r'([\w.]+)==(?:Guid\()?"((?:[^"\\]|\\.)*)"\)?')
Query = Mapping[str, str]


def listed(books: Books, resource: str, query: Query, since: dt.datetime | None) -> list[Document]:
    """The documents that fit, oldest first; with `since` only those that changed after it."""
    found = [one for one in books.tables[resource].values() if _fits(resource, one, query)]
    if since is not None:
        found = [one for one in found if books.updated[one[IDS[resource]]] >= since]
    return [books.shown(resource, one) for one in found]


def one(books: Books, resource: str, xero_id: str) -> Document | None:
    """One document by its id."""
    document = books.tables[resource].get(xero_id)
    return None if document is None else books.shown(resource, document)


def _fits(resource: str, document: Document, query: Query) -> bool:
    if "IDs" in query:
        return document[IDS[resource]] in query["IDs"].split(",")
    if "InvoiceNumbers" in query:
        return document[NUMBERS[resource]] in query["InvoiceNumbers"].split(",")
    if "where" not in query:
        return True
    terms = _TERM.findall(query["where"])
    assert terms, f"a filter that nobody wrote a rule for: {query['where']}"
    return any(_value(document, name) == wanted.replace('\\"', '"') for name, wanted in terms)


def _value(document: Document, path: str) -> str | None:
    parent, _, name = path.rpartition(".")
    holder = document.get(parent) or {} if parent else document
    value = holder.get(name)
    return None if value is None else str(value)
