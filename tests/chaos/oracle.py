"""The comparison of Xero's books with what they must hold: lost, doubled, wrong. Pure; nothing of ours."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.chaos.expected import Expected, Money, Person

Row = Mapping[str, Any]
_GONE: Final = ("VOIDED", "DELETED")


@dataclass(slots=True)
class Findings:
    """What is wrong, a sentence each; `orders` are the entities to trace, the first one first."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    traces: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not (self.lost or self.doubled or self.wrong)

    @property
    def complete(self) -> bool:
        """Everything is there, and as it should be; some of it may be there too often, which no time mends."""
        return not (self.lost or self.wrong)


def compare(wanted: Expected, books: Mapping[str, Mapping[str, Any]], dead_letters: Iterable[bytes]) -> Findings:
    """The books by currency against what they must hold. `dead_letters` are the records of that topic."""
    found = Findings()
    for currency, book in books.items():
        _invoices(found, wanted, currency, book)
        _payments(found, wanted, currency, book)
        _notes(found, wanted, currency, book)
        _contacts(found, wanted, currency, book)
    letters = b"\n".join(dead_letters)
    for word in sorted(wanted.words):
        if word.encode() not in letters:
            found.lost.append(f"malformed {word} was accepted, and is no dead letter")
            found.traces.append(word)
    return found


def _invoices(found: Findings, wanted: Expected, currency: str, book: Row) -> None:
    live = [row for row in book["invoices"] if row["status"] not in _GONE]
    people = {row["id"]: row for row in book["contacts"]}
    sales = {number: sale for number, sale in wanted.sales.items() if sale.currency == currency}
    traces = {number: f"{sale.order[0]}:{_kind(sale.order[0])}:{sale.order[1]}" for number, sale in sales.items()}
    _count(found, "invoice", sales, [row["number"] for row in live], traces)
    for row in live:
        sale = sales.get(row["number"])
        if sale is None:
            continue
        paid = wanted.paid(sale.number, currency)
        person = people.get(row["contact_id"], {})
        _differ(
            found,
            f"invoice {sale.number}",
            traces[sale.number],
            ("total", sale.total, _pennies(row["total"])),
            ("tax", sale.tax, _pennies(row["total_tax"])),
            ("paid", paid, _pennies(row["amount_paid"])),
            ("status", "PAID" if paid == sale.total else "AUTHORISED", row["status"]),
            ("customer", sale.contact, person.get("email") if "@" in sale.contact else person.get("number")),
        )


def _payments(found: Findings, wanted: Expected, currency: str, book: Row) -> None:
    notes = {row["number"] for row in book["credit_notes"]}
    live = [row for row in book["payments"] if row["status"] not in _GONE]
    _money(
        found, "payment", _of(wanted.payments, currency), [one for one in live if one["document_number"] not in notes]
    )
    _money(found, "refund", _of(wanted.refunds, currency), [one for one in live if one["document_number"] in notes])


def _money(found: Findings, what: str, wanted: Mapping[str, Money], rows: list[Row]) -> None:
    ids = [str(row["reference"]).split()[0] for row in rows]
    traces = {id: id for id in wanted}
    _count(found, what, wanted, ids, traces)
    for id, row in zip(ids, rows, strict=True):
        money = wanted.get(id)
        if money is not None:
            _differ(
                found,
                f"{what} {id}",
                id,
                ("amount", money.amount, _pennies(row["amount"])),
                ("document", money.document, row["document_number"]),
                ("account", money.account, row["account_code"]),
            )


def _notes(found: Findings, wanted: Expected, currency: str, book: Row) -> None:
    live = [row for row in book["credit_notes"] if row["status"] not in _GONE]
    refunds = {money.document: money for money in _of(wanted.refunds, currency).values()}
    _count(found, "credit note", refunds, [row["number"] for row in live], {n: m.id for n, m in refunds.items()})
    for row in live:
        money = refunds.get(row["number"])
        if money is not None:
            _differ(
                found, f"credit note {money.document}", money.id,
                ("total", money.amount, _pennies(row["total"])), ("status", "PAID", row["status"]),
            )  # fmt: skip


def _contacts(found: Findings, wanted: Expected, currency: str, book: Row) -> None:
    people = {number: person for (of, number), person in wanted.people.items() if of == currency}
    perhaps = {number for of, number in wanted.perhaps if of == currency} - people.keys()
    guests = {one for one in people.keys() | perhaps if "@" in one}
    ours = [row for row in book["contacts"] if row["status"] == "ACTIVE" and (row["number"] or row["email"] in guests)]
    names = [row["email"] if row["email"] in guests else row["number"] for row in ours]
    excused = Counter(set(names) & perhaps)
    _count(found, "contact", people, list((Counter(names) - excused).elements()), {})
    for name, row in zip(names, ours, strict=True):
        if name in people:
            _person(found, people[name], row)


def _person(found: Findings, person: Person, row: Row) -> None:
    if person.name is not None:
        # Another contact may have had the name first: then the number stands behind it.
        name = str(row["name"]).removesuffix(f" ({person.number})")
        _differ(
            found, f"contact {person.number}", person.number.replace(":", ":customer:"),
            ("e-mail address", person.email, row["email"]), ("name", person.name, name),
        )  # fmt: skip


def _count(found: Findings, what: str, wanted: Iterable[str], have: list[str], traces: Mapping[str, str]) -> None:
    """What is missing, and what is there once too often or should not be there at all."""
    want, has = Counter(list(wanted)), Counter(have)
    for name in (want - has).elements():
        found.lost.append(f"{what} {name} is missing")
        found.traces.append(traces.get(name, name))
    for name in (has - want).elements():
        found.doubled.append(f"{what} {name} is there {has[name]} times, expected {want[name]}")
        found.traces.append(traces.get(name, name))


def _differ(found: Findings, what: str, trace: str, *pairs: tuple[str, Any, Any]) -> None:
    for name, want, have in pairs:
        if want != have:
            found.wrong.append(f"{what}: {name} is {have}, expected {want}")
            found.traces.append(trace)


def _of(money: Mapping[str, Money], currency: str) -> dict[str, Money]:
    return {id: one for id, one in money.items() if one.currency == currency}


def _kind(source: str) -> str:
    return "job" if source.startswith("jobs") else "order"


def _pennies(text: str) -> int:
    whole, _, rest = text.partition(".")
    return int(whole) * 100 + int((rest + "00")[:2])
