"""What Xero's books hold beside what they must hold: missing, doubled, different, to the penny. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from streams.demo.expected import Expected, Money

Row = Mapping[str, Any]
_INVOICES: Final = "Invoices"
_GONE: Final = ("VOIDED", "DELETED")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the comparison: how many and how much, as the sources say and as Xero holds it."""

    name: str
    source_count: int
    xero_count: int
    source: Decimal
    xero: Decimal

    @property
    def agrees(self) -> bool:
        return self.source == self.xero and self.source_count == self.xero_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """`missing`, `doubled` and `different` name documents; `kinds`, `sources` and `vat` are for people."""

    missing: tuple[str, ...]
    doubled: tuple[str, ...]
    different: tuple[str, ...]
    kinds: tuple[Line, ...]
    sources: tuple[Line, ...]
    vat: tuple[Line, ...]
    documents: int

    def and_of(self, name: str, other: "Findings") -> "Findings":
        """Together with those of another organisation, in another currency: its invoices are the line `name`."""
        [sold] = [line for line in other.kinds if line.name == _INVOICES]
        return replace(
            self,
            missing=self.missing + other.missing,
            doubled=self.doubled + other.doubled,
            different=self.different + other.different,
            sources=(*self.sources, replace(sold, name=name)),
            documents=self.documents + other.documents,
        )

    @property
    def ok(self) -> bool:
        lines_agree = all(line.agrees for line in (*self.kinds, *self.sources, *self.vat))
        return lines_agree and not (self.missing or self.doubled or self.different)


def compare(wanted: Expected, books: Mapping[str, Any], rates: Mapping[str, str]) -> Findings:
    """The books as `GET /_sandbox/books/...` tells them. `rates` gives the percentage of each tax type."""
    invoices = _live(books["invoices"])
    notes = _live(books["credit_notes"])
    payments = _live(books["payments"])
    contacts = _ours(wanted, books["contacts"])
    on_notes = {row["number"] for row in notes}
    received = [row for row in payments if row["document_number"] not in on_notes]
    returned = [row for row in payments if row["document_number"] in on_notes]
    of_notes = {money.number: money for money in wanted.refunds.values()}
    names = [
        _names(wanted.sales, [row["number"] for row in invoices], "invoice"),
        _names(of_notes, [row["number"] for row in notes], "credit note"),
        _names(wanted.payments, [_gateway_id(row) for row in received], "payment"),
        _names(wanted.refunds, [_gateway_id(row) for row in returned], "refund"),
        _contacts(wanted, contacts),
    ]
    return Findings(
        missing=tuple(name for missing, _ in names for name in missing),
        doubled=tuple(name for _, doubled in names for name in doubled),
        different=(*_invoices_differ(wanted, invoices), *_money_differs(wanted, received, returned)),
        kinds=(
            Line("Contacts", len(wanted.contacts) + len(wanted.guests), _own(contacts), Decimal(0), Decimal(0)),
            Line(_INVOICES, len(wanted.sales), len(invoices), wanted.total, _sum(invoices, "total")),
            _money_line("Payments", wanted.payments, received, "amount"),
            _money_line("Credit notes", wanted.refunds, notes, "total"),
            _money_line("Refunds", wanted.refunds, returned, "amount"),
        ),
        sources=_sources(wanted, invoices),
        vat=_vat(wanted, invoices, rates),
        documents=sum(map(len, (books["invoices"], notes, payments))) + sum(bool(row["number"]) for row in contacts),
    )


def _live(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["status"] not in _GONE]


def _gateway_id(payment: Row) -> str:
    """Our reference begins with the gateway's own id."""
    return str(payment["reference"]).partition(" ")[0]


def _ours(wanted: Expected, contacts: Iterable[Row]) -> list[Row]:
    """The contacts that count: of a customer who may be there or not, only what is there once too often."""
    optional = {f"{source}:{id_}" for source, id_ in wanted.known - wanted.contacts}
    seen: set[str] = set()
    counting = []
    for row in contacts:
        number = str(row["number"] or "")
        if number in optional and number not in seen:
            seen.add(number)
        elif number or row["email"] in wanted.guests:
            counting.append(row)
    return counting


def _own(contacts: Iterable[Row]) -> int:
    # The contact that stands for all guests without an address has a number, but no customer.
    return sum(not str(row["number"]).endswith(":channel") for row in contacts)


def _names(wanted: Iterable[str], found: Iterable[str], what: str) -> tuple[list[str], list[str]]:
    """Which are missing, and which are there more often than they should be, once for each time."""
    want, have = Counter(list(wanted)), Counter(list(found))
    missing = [f"{what} {name}" for name in (want - have).elements()]
    return missing, [f"{what} {name}" for name in (have - want).elements()]


def _contacts(wanted: Expected, contacts: Iterable[Row]) -> tuple[list[str], list[str]]:
    numbered = [f"{source}:{id_}" for source, id_ in wanted.contacts]
    found = [row["number"] for row in contacts if row["email"] not in wanted.guests]
    missing, doubled = _names(numbered, [number for number in found if not number.endswith(":channel")], "contact")
    guests = _names(wanted.guests, [row["email"] for row in contacts if row["email"] in wanted.guests], "contact")
    return missing + guests[0], doubled + guests[1]


def _invoices_differ(wanted: Expected, invoices: Iterable[Row]) -> list[str]:
    paid: dict[str, Decimal] = defaultdict(Decimal)
    for money in wanted.payments.values():
        paid[money.number] += money.amount
    differences = []
    for row in invoices:
        sale = wanted.sales.get(row["number"])
        if sale is None:
            continue
        should = (sale.total, sale.tax, paid[sale.number])
        found = (Decimal(row["total"]), Decimal(row["total_tax"]), Decimal(row["amount_paid"]))
        for name, want, have in zip(("total", "VAT", "paid"), should, found, strict=True):
            if want != have:
                differences.append(f"invoice {sale.number}: {name} {want:.2f} by the source, {have:.2f} in Xero")
    return differences


def _money_differs(wanted: Expected, received: Iterable[Row], returned: Iterable[Row]) -> list[str]:
    moves = [(wanted.payments, row) for row in received] + [(wanted.refunds, row) for row in returned]
    differences = []
    for known, row in moves:
        money = known.get(_gateway_id(row))
        if money and (money.number, money.amount) != (row["document_number"], Decimal(row["amount"])):
            found = f"{row['amount']} on {row['document_number']} in Xero"
            differences.append(f"{money.id}: {money.amount:.2f} on {money.number} by the source, {found}")
    return differences


def _sum(rows: Iterable[Row], field: str) -> Decimal:
    return sum((Decimal(row[field]) for row in rows), Decimal(0))


def _money_line(name: str, wanted: Mapping[str, Money], found: list[Row], field: str) -> Line:
    total = sum((money.amount for money in wanted.values()), Decimal(0))
    return Line(name, len(wanted), len(found), total, _sum(found, field))


def _sources(wanted: Expected, invoices: Iterable[Row]) -> tuple[Line, ...]:
    """Invoices by the source that sold. One that no source knows is told by its number, in the other tables."""
    sold: dict[str, list[Decimal]] = defaultdict(list)
    found: dict[str, list[Decimal]] = defaultdict(list)
    for sale in wanted.sales.values():
        sold[sale.source].append(sale.total)
    for row in invoices:
        if (known := wanted.sales.get(row["number"])) is not None:
            found[known.source].append(Decimal(row["total"]))
    return tuple(
        Line(name, len(totals), len(found[name]), sum(totals, Decimal(0)), sum(found[name], Decimal(0)))
        for name, totals in sorted(sold.items())
    )


def _vat(wanted: Expected, invoices: Iterable[Row], rates: Mapping[str, str]) -> tuple[Line, ...]:
    """VAT on sales by rate; the count is that of invoices with the rate."""
    source: dict[str, Decimal] = defaultdict(Decimal)
    xero: dict[str, Decimal] = defaultdict(Decimal)
    source_count: Counter[str] = Counter()
    xero_count: Counter[str] = Counter()
    for sale in wanted.sales.values():
        source_count.update(sale.vat.keys())
        for rate, (_, tax) in sale.vat.items():
            source[rate] += tax
    for invoice in invoices:
        xero_count.update({rates.get(line["tax_type"], line["tax_type"]) for line in invoice["lines"]})
        for line in invoice["lines"]:
            xero[rates.get(line["tax_type"], line["tax_type"])] += Decimal(line["tax_amount"])
    every = sorted({*source_count, *xero_count}, key=lambda rate: (-len(rate), rate))
    return tuple(Line(rate, source_count[rate], xero_count[rate], source[rate], xero[rate]) for rate in every)
