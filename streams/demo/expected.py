"""What the books must hold, from the demo's own log of what was answered 2xx or committed. Pure.

It shares no code with the pipeline: it reads the documents that were sent, as an accountant would.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

from schemas.money import round_half_up
from streams.demo.events import Event

OrderKey = tuple[str, str]
# What stands for a rate where the source charged no tax and named none.
UNTAXED: Final = "untaxed"
_HUNDRED: Final = Decimal(100)
_PENNY: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Sale:
    """One invoice that must be there. `vat`: net amount and tax by percentage."""

    source: str
    number: str
    total: Decimal
    tax: Decimal
    vat: Mapping[str, tuple[Decimal, Decimal]]


@dataclass(frozen=True, slots=True)
class Money:
    """One payment of an invoice, or refund of a credit note, by the gateway's id."""

    id: str
    number: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Held:
    """What a person must see to: `why` in plain words; `amount` gross."""

    what: str
    amount: Decimal
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The books to be. `contacts` holds (source, customer's id); `guests` e-mail addresses.

    `known` are all customers that the log names: one whose only order was cancelled may be in the books or not, as the
    order was booked before it was cancelled, or not.
    """

    sales: Mapping[str, Sale]
    payments: Mapping[str, Money]
    refunds: Mapping[str, Money]
    contacts: frozenset[tuple[str, str]]
    guests: frozenset[str]
    known: frozenset[tuple[str, str]]
    held: tuple[Held, ...]

    def with_(self, other: "Expected") -> "Expected":
        """Both together: they tell of different sources."""
        return Expected(
            sales={**self.sales, **other.sales},
            payments={**self.payments, **other.payments},
            refunds={**self.refunds, **other.refunds},
            contacts=self.contacts | other.contacts,
            guests=self.guests | other.guests,
            known=self.known | other.known,
            held=(*self.held, *other.held),
        )

    def paid_by_hand(self, payments: Iterable[Money]) -> "Expected":
        """With what people recorded in Xero themselves."""
        return replace(self, payments={**self.payments, **{money.id: money for money in payments}})

    @property
    def documents(self) -> int:
        """How many documents are wanted: contacts, invoices, credit notes, payments and refunds."""
        return sum(map(len, (self.contacts, self.guests, self.sales, self.payments, self.refunds, self.refunds)))

    @property
    def total(self) -> Decimal:
        """All invoices, gross."""
        return sum((sale.total for sale in self.sales.values()), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the shop cannot know: the number prefixes of (source, kind), which rates the tenant file does not map, and
    which orders Xero does not take for a reason of its own."""

    prefixes: Mapping[tuple[str, str], str]
    unmapped_rates: frozenset[str] = frozenset()
    refused_by_xero: frozenset[OrderKey] = frozenset()


@dataclass(slots=True)
class _Log:
    """The log, sorted by what it tells of. `orders` holds the highest version of each."""

    orders: dict[OrderKey, tuple[int, str, Mapping[str, Any]]] = field(default_factory=dict)
    payments: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    refunds: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    contacts: set[tuple[str, str]] = field(default_factory=set)
    known: set[tuple[str, str]] = field(default_factory=set)


def expected(log: Iterable[Event], circumstances: Circumstances) -> Expected:
    """The books that follow from the events of the log, in whatever order and however often they are in it."""
    sorted_log = _sorted(log)
    held: list[Held] = []
    sales: dict[OrderKey, Sale] = {}
    contacts, guests = set(sorted_log.contacts), set()
    for key, (_, kind, data) in sorted_log.orders.items():
        if kind == "OrderCancelled":
            continue
        sale = _sale(key[0], circumstances.prefixes[key[0], "invoice"], data)
        why = _why_held(key, data, sale, circumstances)
        if why is not None:
            held.append(Held(f"order {key[1]}", Decimal(data["total"]), why))
            continue
        sales[key] = sale
        if "id" in data["customer"]:
            contacts.add((key[0], data["customer"]["id"]))
        elif "email" in data["customer"]:
            guests.add(data["customer"]["email"])
    payments, refunds = _moved(sorted_log, sales, circumstances, held)
    return Expected(
        sales={sale.number: sale for sale in sales.values()},
        payments=payments,
        refunds=refunds,
        contacts=frozenset(contacts),
        guests=frozenset(guests),
        known=frozenset(contacts | sorted_log.known),
        held=tuple(held),
    )


def _sorted(log: Iterable[Event]) -> _Log:
    found = _Log()
    for event in log:
        data = event.document["data"]
        match event.type:
            case "OrderPlaced" | "OrderUpdated" | "OrderCancelled" | "JobCompleted":
                key = (event.source, data.get("order_id") or data["job_id"])
                version = int(event.document["sequence"])
                if "id" in data.get("customer", {}):
                    found.known.add((event.source, data["customer"]["id"]))
                if key not in found.orders or version > found.orders[key][0]:
                    found.orders[key] = (version, event.type, data)
            case "ContactUpdated":
                found.contacts.add((event.source, data["contact_id"]))
            case "payment_intent.succeeded" if event.document["livemode"]:
                found.payments[data["object"]["id"]] = data["object"]
            case "refund.created" if event.document["livemode"]:
                found.refunds[data["object"]["id"]] = data["object"]
            case _:
                # charge.succeeded tells what payment_intent.succeeded told; test-mode data is not business.
                pass
    return found


def _sale(source: str, prefix: str, data: Mapping[str, Any]) -> Sale:
    included = data["taxes_included"]
    vat: dict[str, tuple[Decimal, Decimal]] = {}
    for line in data["lines"]:
        amount = Decimal(line["quantity"]) * Decimal(line["unit_amount"]) - Decimal(line.get("discount_amount", "0"))
        rate = Decimal(line["tax_rate"])
        tax = round_half_up(amount * rate / (_HUNDRED + rate if included else _HUNDRED))
        net, sofar = vat.get(line["tax_rate"], (Decimal(0), Decimal(0)))
        vat[line["tax_rate"]] = (net + amount - (tax if included else 0), sofar + tax)
    tax = sum((of_rate for _, of_rate in vat.values()), Decimal(0))
    net = sum((of_rate for of_rate, _ in vat.values()), Decimal(0))
    return Sale(source, prefix + data["number"], net + tax, tax, vat)


def _why_held(key: OrderKey, data: Mapping[str, Any], sale: Sale, circumstances: Circumstances) -> str | None:
    if sale.total != Decimal(data["total"]):
        return f"its lines come to {sale.total:.2f}, the shop says {data['total']}"
    unmapped = circumstances.unmapped_rates & {line["tax_rate"] for line in data["lines"]}
    if unmapped:
        return f"the tenant file has no tax type for {', '.join(sorted(unmapped))} %"
    return "Xero does not take its contact" if key in circumstances.refused_by_xero else None


def _moved(
    log: _Log, sales: Mapping[OrderKey, Sale], circumstances: Circumstances, held: list[Held]
) -> tuple[dict[str, Money], dict[str, Money]]:
    payments: dict[str, Money] = {}
    refunds: dict[str, Money] = {}
    for id_, thing in log.payments.items():
        order = thing["metadata"].get("order_id")
        sale = sales.get(("shop-1", order))
        amount = thing["amount_received"] * _PENNY
        if sale is not None:
            payments[id_] = Money(id_, sale.number, amount)
        else:
            held.append(Held(f"payment {id_}", amount, f"order {order} waits" if order else "it names no order"))
    for id_, thing in log.refunds.items():
        if ("shop-1", thing["metadata"]["order_id"]) in sales:
            refunds[id_] = Money(id_, circumstances.prefixes["shop-1", "credit_note"] + id_, thing["amount"] * _PENNY)
    return payments, refunds
