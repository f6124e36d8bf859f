"""The events of the model's shops, and what the books must hold in the end: an oracle that knows only the events."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import msgspec

from schemas import keys
from schemas.commands import CommandRecord
from tests.integration.sender.stream import TENANT, Stream, command, line, person_of
from tests.model.books import ZERO, Books, Document

PRICES: Final = ("10.00", "12.00", "30.00")
PART: Final = Decimal("5.00")
REFUND: Final = Decimal("4.00")
BAD_ACCOUNT: Final = "299"
# What two customers are called: the second one gets the name with its number behind it.
NAMES: Final = {"a": "John Smith", "b": "John Smith", "c": "Ada"}


def total_of(price: str) -> Decimal:
    """What `tests.integration.sender.stream` charges for a price."""
    return 2 * Decimal(price) + Decimal("2.34")


@dataclass
class Order:
    """What was told of one order. `versions`: the price by sequence, None for a cancellation."""

    versions: dict[int, str | None] = field(default_factory=dict)
    payments: dict[str, Decimal] = field(default_factory=dict)
    reversed: set[str] = field(default_factory=set)
    refunded: bool = False
    is_disputed: bool = False
    has_bad_account: bool = False

    @property
    def newest(self) -> str | None:
        return self.versions[max(self.versions)] if self.versions else None

    @property
    def is_booked(self) -> bool:
        return self.newest is not None

    @property
    def is_settled(self) -> bool:
        """Whether the end follows from the events alone, in whatever order things happen: no person has to decide."""
        if self.is_disputed or self.has_bad_account:
            return False
        if self.is_booked and None in self.versions.values():
            # Taken up again after a cancellation: what was voided by then cannot be woken, and a person is asked.
            return False
        if self.payments and len(set(self.versions.values())) > 1:
            return False
        return not (self.is_booked and sum(self.payments.values(), ZERO) > total_of(self.newest or ""))


class Shop:
    """Makes the records, as Kafka would hand them on, and keeps what they say."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.customers: dict[str, dict[int, str]] = {}
        self._stream = Stream()

    def order(self, number: str, sequence: int, price: str, *, account: str = "200") -> CommandRecord | None:
        """A version of an order; None where this version was told already."""
        order = self.orders.setdefault(number, Order())
        if sequence in order.versions:
            return None
        order.versions[sequence] = price
        order.has_bad_account |= account == BAD_ACCOUNT
        customer = "abc"[int(number) % 3]
        self.customers.setdefault(customer, {})
        mark = keys.mark(f"{keys.entity_key('shop-1', 'order', number)}#invoice")
        lines = (line("Mug", "2", price, "OUTPUT2", account), line("Tea", "1", "2.34", "RROUTPUT"))
        return self._stream.order(
            number,
            customer=customer,
            name=NAMES[customer],
            sequence=sequence,
            reference=f"{number} v{sequence} {mark}",
            lines=lines,
            total=total_of(price),
        )

    def cancel(self, number: str, sequence: int) -> CommandRecord | None:
        order = self.orders.setdefault(number, Order())
        if sequence in order.versions or None in order.versions.values():
            return None
        order.versions[sequence] = None
        return self._stream.cancel(number, sequence=sequence)

    def payment(self, number: str, part: int, amount: Decimal = PART) -> CommandRecord | None:
        order = self.orders.setdefault(number, Order())
        identifier = f"pi_{number}_{part}"
        if identifier in order.payments:
            return None
        order.payments[identifier] = amount
        return self._stream.payment(number, str(amount), identifier=identifier)

    def reversal(self, number: str, part: int) -> CommandRecord | None:
        order = self.orders.setdefault(number, Order())
        identifier = f"pi_{number}_{part}"
        if identifier not in order.payments or identifier in order.reversed:
            return None
        order.reversed.add(identifier)
        return self._stream.reversal(identifier)

    def refund(self, number: str) -> CommandRecord | None:
        order = self.orders.setdefault(number, Order())
        if order.refunded:
            return None
        order.refunded = True
        return self._stream.refund(number, str(REFUND))

    def customer(self, customer: str, sequence: int) -> CommandRecord | None:
        """A customer's details changed."""
        versions = self.customers.setdefault(customer, {})
        if sequence in versions:
            return None
        versions[sequence] = f"{NAMES[customer]} v{sequence}"
        entity = keys.entity_key("shop-1", "customer", customer)
        effect = keys.effect_key(entity, f"contact:{TENANT}")
        event = keys.event_key("shop-1", f"customer-{customer}-{sequence}")
        payload = person_of("shop-1", customer, versions[sequence], ensure=False)
        change = command(event, "contact", effect, payload, sequence=sequence)
        return self._stream.event("shop-1", f"customer-{customer}-{sequence}", change)

    def contradiction(self, record: CommandRecord) -> CommandRecord:
        """The same event once more, with another content."""
        for number, order in self.orders.items():
            if _names(number, record.event_key or ""):
                order.is_disputed = True
        return msgspec.structs.replace(record, digest=keys.digest(b"something else"))


def check_books(shop: Shop, books: Books, troubled: Iterable[str]) -> None:
    """Compare the books with what the events say. `troubled`: the keys of what waits for a person."""
    waiting = "\n".join(troubled)
    for number, order in shop.orders.items():
        _check_invoice(number, order, books)
        _check_money(number, order, books)
        if order.is_settled and order.is_booked:
            assert not _names(number, waiting), f"order {number} needs nobody, and yet: {waiting}"
    for customer, versions in shop.customers.items():
        (contact,) = (one for one in _all(books, "Contacts") if one["ContactNumber"] == f"shop-1:{customer}")
        name = versions[max(versions)] if versions else NAMES[customer]
        assert contact["Name"] in (name, f"{name} (shop-1:{customer})"), contact


def _names(number: str, text: str) -> bool:
    """Whether event keys or command ids speak of an order."""
    return re.search(rf"[-_]{number}(?!\d)", text) is not None


def _check_invoice(number: str, order: Order, books: Books) -> None:
    mine = [one for one in _all(books, "Invoices") if one["InvoiceNumber"] == f"S1-{number}"]
    totals = {total_of(price) for price in order.versions.values() if price is not None}
    assert len(mine) <= 1
    assert all(one["Total"] in totals for one in mine), (mine, totals)
    if not order.is_settled:
        return
    if order.is_booked:
        (invoice,) = mine
        assert invoice["Status"] in ("AUTHORISED", "PAID")
        assert invoice["Total"] == total_of(order.newest or "")
        assert f" v{max(order.versions)} " in invoice["Reference"]
    else:
        assert all(one["Status"] == "VOIDED" for one in mine), mine


def _check_money(number: str, order: Order, books: Books) -> None:
    exactly = order.is_settled and order.is_booked
    for identifier, amount in order.payments.items():
        live = [one for one in _all(books, "Payments") if identifier in one["Reference"] and one["Status"] != "DELETED"]
        assert all(one["Amount"] == amount for one in live)
        wanted = 0 if identifier in order.reversed else 1
        assert len(live) == wanted if exactly else len(live) <= 1, (identifier, live)
    notes = [one for one in _all(books, "CreditNotes") if one["CreditNoteNumber"] == f"CN-{number}"]
    paid_out = [one for one in _all(books, "Payments") if f"re_{number} " in one["Reference"]]
    assert len(notes) <= 1
    assert len(paid_out) <= 1
    assert all(one["Total"] == REFUND for one in notes)
    if exactly and order.refunded:
        assert len(notes) == len(paid_out) == 1, (notes, paid_out)


def _all(books: Books, resource: str) -> list[Document]:
    return [books.shown(resource, one) for one in books.tables[resource].values()]


def marks(document: Mapping[str, Any]) -> str:
    """The mark within a document's reference: its last word."""
    return str(document.get("Reference", "")).split(" ")[-1]


def stamped(record: CommandRecord, offset: int, now: dt.datetime) -> CommandRecord:
    """The record at its place in Kafka."""
    return msgspec.structs.replace(record, offset=offset, timestamp_ms=int(now.timestamp() * 1000))
