"""Tables with indexes, and the book that holds them with an undo of the call in progress."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from connectors.xero.sandbox.books.records import (
    Account,
    Contact,
    Currency,
    Document,
    Organisation,
    Payment,
    TaxRate,
)

Row = TypeVar("Row", bound=msgspec.Struct)
KeyOf = Callable[[Row], str | None]


class Table(Generic[Row]):
    """Rows by id, in the order of their last change, with indexes of keys that several rows may share."""

    def __init__(
        self, name: str, kind: type[Row], id_of: Callable[[Row], str], indexes: Mapping[str, KeyOf[Row]]
    ) -> None:
        self.name = name
        self.kind = kind
        self.id_of = id_of
        self.rows: dict[str, Row] = {}
        self._key_of = indexes
        # Index, then key in lower case, then ids; the order of a dict is that of the last change.
        self._ids: dict[str, dict[str, dict[str, None]]] = {index: {} for index in indexes}

    def get(self, row_id: str) -> Row | None:
        return self.rows.get(row_id) or self.rows.get(row_id.lower())

    def find(self, index: str, key: str) -> Row | None:
        """The row with this key that changed last."""
        ids = self._ids[index].get(key.lower())
        return self.rows[next(reversed(ids))] if ids else None

    def find_all(self, index: str, key: str) -> list[Row]:
        """Every row with this key."""
        return [self.rows[row_id] for row_id in self._ids[index].get(key.lower(), ())]

    def put(self, row: Row) -> Row | None:
        """Insert or replace; the row before, if any."""
        row_id = self.id_of(row)
        before = self.remove(row_id)
        self.rows[row_id] = row
        for index, key_of in self._key_of.items():
            key = key_of(row)
            if key:
                self._ids[index].setdefault(key.lower(), {})[row_id] = None
        return before

    def remove(self, row_id: str) -> Row | None:
        row = self.rows.pop(row_id, None)
        if row is None:
            return None
        for index, key_of in self._key_of.items():
            key = key_of(row)
            if key:
                ids = self._ids[index][key.lower()]
                del ids[row_id]
                if not ids:
                    del self._ids[index][key.lower()]
        return row


class Changed(NamedTuple):
    """A row that a call changed: as it was (None: it is new) and as it is."""

    table: str
    row_id: str
    before: msgspec.Struct | None
    after: msgspec.Struct


class Book:
    """One organisation's books. Every change goes through `put`, so that it can be undone and saved."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        self.accounts = Table("accounts", Account, lambda row: row.account_id, {"code": lambda row: row.code})
        self.tax_rates = Table("tax_rates", TaxRate, lambda row: row.tax_type, {})
        self.currencies = Table("currencies", Currency, lambda row: row.code, {})
        self.contacts = Table(
            "contacts",
            Contact,
            lambda row: row.contact_id,
            {
                "name": lambda row: row.name if row.status == "ACTIVE" else None,
                "archived_name": lambda row: row.name if row.status != "ACTIVE" else None,
                "number": lambda row: row.number,
            },
        )
        numbers: Mapping[str, KeyOf[Document]] = {
            "number": lambda row: row.number if row.sales else None,
            "any_number": lambda row: row.number,
        }
        self.invoices = Table("invoices", Document, lambda row: row.document_id, numbers)
        self.credit_notes = Table("credit_notes", Document, lambda row: row.document_id, numbers)
        self.payments = Table("payments", Payment, lambda row: row.payment_id, {})
        self.counters: dict[str, int] = {}
        # What changed since the last save: (table, id).
        self.dirty: set[tuple[str, str]] = set()
        self._undo: list[tuple[Table[Any], str, Any]] = []

    @property
    def tables(self) -> tuple[Table[Any], ...]:
        return (
            self.accounts,
            self.tax_rates,
            self.currencies,
            self.contacts,
            self.invoices,
            self.credit_notes,
            self.payments,
        )

    def begin(self) -> None:
        """Forget the undo of the call before."""
        self._undo.clear()

    def put(self, table: Table[Row], row: Row) -> None:
        before = table.put(row)
        row_id = table.id_of(row)
        self._undo.append((table, row_id, before))
        self.dirty.add((table.name, row_id))

    def changes(self) -> list[Changed]:
        """What the call since `begin` has changed and kept, each row once, in the order of their first change."""
        first: dict[tuple[str, str], tuple[Table[Any], Any]] = {}
        for table, row_id, before in self._undo:
            first.setdefault((table.name, row_id), (table, before))
        return [Changed(name, row_id, before, table.rows[row_id]) for (name, row_id), (table, before) in first.items()]

    def mark(self) -> int:
        """A point of the call to which `rollback` can go back."""
        return len(self._undo)

    def rollback(self, mark: int = 0) -> None:
        """Undo every `put` since `begin`, or since `mark`."""
        for table, row_id, before in reversed(self._undo[mark:]):
            if before is None:
                table.remove(row_id)
            else:
                table.put(before)
        del self._undo[mark:]

    def document(self, document_id: str) -> Document | None:
        """An invoice or credit note by its id."""
        return self.invoices.get(document_id) or self.credit_notes.get(document_id)

    def put_document(self, document: Document) -> None:
        self.put(self.credit_notes if document.is_credit else self.invoices, document)

    def next_number(self, prefix: str, table: Table[Document]) -> str:
        """The next free automatic number, such as INV-0007."""
        while True:
            count = self.counters.get(prefix, 0) + 1
            self.counters[prefix] = count
            number = f"{prefix}{count:04d}"
            if table.find("number", number) is None:
                return number
