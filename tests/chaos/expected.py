"""What the books must hold, from the senders' log alone, as an accountant would read it. Pure; nothing of ours.

All amounts are whole pennies; tax is computed with fractions, line by line, a half rounded up.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from tests.chaos.log import Entry

# The numbers of deploy/tenants, by currency and source.
_INVOICE: Final = {
    ("GBP", "shop-1"): "S1-",
    ("GBP", "shop-2"): "S2-",
    ("GBP", "jobs-1"): "J1-",
    ("EUR", "shop-1"): "S1E-",
}
_NOTE: Final = {key: f"{prefix}CN-" for key, prefix in _INVOICE.items()}
_SALES: Final = ("OrderPlaced", "OrderUpdated", "OrderCancelled", "JobCompleted")
_CHANNEL: Final = "channel"


@dataclass(frozen=True, slots=True)
class Sale:
    """An invoice that must be there, with what is paid on it. `contact` is a contact's number or an e-mail address."""

    order: tuple[str, str]
    currency: str
    number: str
    total: int
    tax: int
    contact: str


@dataclass(frozen=True, slots=True)
class Money:
    """A payment, or the money and the credit note of a refund. `document` is the number of what it stands on."""

    id: str
    currency: str
    document: str
    amount: int
    account: str


@dataclass(frozen=True, slots=True)
class Person:
    """A contact that must be there; with `name` and `email` as the CRM told them last, if it is one of its own."""

    currency: str
    number: str
    name: str | None = None
    email: str | None = None


@dataclass(slots=True)
class Expected:
    """The books to be. `perhaps` are contacts that may be there, once each: an order named them before it changed.

    `words` are those of malformed events that were accepted: each must be a dead letter.
    """

    sales: dict[str, Sale] = field(default_factory=dict)
    payments: dict[str, Money] = field(default_factory=dict)
    refunds: dict[str, Money] = field(default_factory=dict)
    people: dict[tuple[str, str], Person] = field(default_factory=dict)
    perhaps: set[tuple[str, str]] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    events: int = 0

    def paid(self, number: str, currency: str) -> int:
        """What must be paid on an invoice."""
        return sum(one.amount for one in self.payments.values() if (one.document, one.currency) == (number, currency))


def expected(entries: Iterable[Entry]) -> Expected:
    """What follows from everything that was accepted, in whatever order and however often."""
    told = _Told()
    found = Expected()
    for entry in entries:
        if not entry.accepted:
            continue
        found.events += 1
        if entry.word is not None:
            found.words.add(entry.word)
        else:
            told.hear(json.loads(entry.body))
    _sales(told, found)
    _money(told, found)
    return found


@dataclass(slots=True)
class _Told:
    """The highest version of each order and contact; payments and refunds by their ids."""

    sales: dict[tuple[str, str], tuple[int, str, Any]] = field(default_factory=dict)
    contacts: dict[str, tuple[int, Any]] = field(default_factory=dict)
    payments: dict[str, Any] = field(default_factory=dict)
    refunds: dict[str, Any] = field(default_factory=dict)
    reversed: set[str] = field(default_factory=set)
    customers: dict[tuple[str, str], list[tuple[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    def hear(self, document: Mapping[str, Any]) -> None:
        if "specversion" not in document:
            self._hear_stripe(document["type"], document["data"]["object"])
            return
        name, source, data = str(document["type"]).split(".")[2], str(document["source"]), document["data"]
        if name in _SALES:
            self._hear_sale(name, source, int(document["sequence"]), data)
        elif name == "ContactUpdated":
            number = f"{source}:{data['contact_id']}"
            version = int(document["sequence"])
            if version > self.contacts.get(number, (0, None))[0]:
                self.contacts[number] = (version, data["contact"])
        elif name == "PaymentReceived":
            order = data["order"]
            self._pay(data["payment_id"], order["source"], order["id"], data, _pennies(data["amount"]))
        elif name == "RefundIssued":
            order = data["order"]
            self.refunds[data["refund_id"]] = ((order["source"], order["id"]), None, data, _pennies(data["amount"]))
        elif name == "PaymentFailed":
            self.reversed.add(data["payment_id"])

    def _hear_sale(self, name: str, source: str, version: int, data: Any) -> None:
        key = (source, data.get("order_id") or data["job_id"])
        if "customer" in data:
            self.customers[key].append((data["currency"], data["customer"]))
        if version > self.sales.get(key, (0, "", None))[0]:
            self.sales[key] = (version, name, data)

    def _hear_stripe(self, kind: str, thing: Any) -> None:
        data = {"currency": thing["currency"].upper(), "gateway": "stripe"}
        order = thing["metadata"].get("order_id")
        if kind == "payment_intent.succeeded":
            self._pay(thing["id"], "shop-1", order, data, thing["amount_received"])
        elif kind == "charge.succeeded":
            self._pay(thing["payment_intent"], "shop-1", order, data, thing["amount"])
        elif kind == "refund.created":
            of = ("shop-1", order) if order else None
            self.refunds[thing["id"]] = (of, thing["payment_intent"], data, thing["amount"])

    def _pay(self, id: str, source: str, order: str, data: Any, amount: int) -> None:
        self.payments[id] = ((source, order), data, amount)


def _sales(told: _Told, found: Expected) -> None:
    for key, (_, name, data) in told.sales.items():
        for currency, customer in told.customers[key]:
            found.perhaps.add((currency, _contact(key[0], customer)))
        if name == "OrderCancelled":
            continue
        currency = data["currency"]
        total, tax = _totals(data)
        contact = _contact(key[0], data["customer"])
        number = _INVOICE[currency, key[0]] + data["number"]
        found.sales[number] = Sale(key, currency, number, total, tax, contact)
        found.people[currency, contact] = Person(currency, contact)
    for number, (_, person) in told.contacts.items():
        found.people["GBP", number] = Person("GBP", number, person["name"], person["email"])


def _contact(source: str, customer: Mapping[str, Any]) -> str:
    """The number of the contact that stands for a customer; a guest's e-mail address where the shop keeps guests."""
    if "id" in customer:
        return f"{source}:{customer['id']}"
    if source == "shop-1" and "email" in customer:
        return str(customer["email"])
    return f"{source}:{_CHANNEL}"


def _totals(data: Mapping[str, Any]) -> tuple[int, int]:
    """Total with tax, and the tax."""
    amounts = tax = 0
    for line in data["lines"]:
        amount = _pennies(line["unit_amount"]) * int(line["quantity"]) - _pennies(line.get("discount_amount", "0.00"))
        rate = Fraction(line["tax_rate"])
        share = rate / (100 + rate) if data["taxes_included"] else rate / 100
        amounts += amount
        tax += int(amount * share + Fraction(1, 2))
    return (amounts if data["taxes_included"] else amounts + tax), tax


def _money(told: _Told, found: Expected) -> None:
    orders = {sale.order: sale for sale in found.sales.values()}
    for id, (order, data, amount) in told.payments.items():
        if id not in told.reversed and order in orders:
            sale = orders[order]
            account = "091" if data["gateway"] == "stripe" else "092"
            found.payments[id] = Money(id, sale.currency, sale.number, amount, account)
    for id, (of, payment, data, amount) in told.refunds.items():
        order = of or told.payments[payment][0]
        sale = orders[order]
        account = "091" if data["gateway"] == "stripe" else "092"
        number = _NOTE[sale.currency, order[0]] + id
        found.refunds[id] = Money(id, sale.currency, number, amount, account)


def _pennies(text: str) -> int:
    whole, _, rest = text.partition(".")
    return int(whole) * 100 + int((rest + "00")[:2])
