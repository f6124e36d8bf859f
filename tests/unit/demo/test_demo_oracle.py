"""The demo's oracle: right books pass, and each way of being wrong is named."""

import copy
import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from streams.demo.events import Event, stripe_payment
from streams.demo.expected import Circumstances, Expected, Money, Sale, expected
from streams.demo.oracle import compare
from streams.demo.shop import day

DATE = dt.date(2026, 11, 23)
PREFIXES = {
    (source, kind): f"{short}{suffix}"
    for source, short in (("shop-1", "S1-"), ("shop-2", "S2-"), ("jobs-1", "J1-"))
    for kind, suffix in (("invoice", ""), ("credit_note", "CN-"))
}
RATES = {"OUTPUT2": "20", "RROUTPUT": "5", "ZERORATEDOUTPUT": "0"}
TYPES = {rate: tax_type for tax_type, rate in RATES.items()}
Books = dict[str, Any]


def a_day() -> list[Event]:
    business = day(7, DATE)
    return [*business.events, business.after_archive, business.correction]


def wanted(**circumstances: Any) -> Expected:
    return expected(a_day(), Circumstances(prefixes=PREFIXES, **circumstances))


def right_books(want: Expected, types: Mapping[str, str] = TYPES) -> Books:
    """What the sandbox would tell, had everything gone well."""
    paid: dict[str, Decimal] = {}
    for money in want.payments.values():
        paid[money.number] = paid.get(money.number, Decimal(0)) + money.amount
    contacts = [{"number": f"{source}:{id_}", "email": "", "status": "ACTIVE"} for source, id_ in want.contacts]
    contacts += [{"number": "", "email": email, "status": "ACTIVE"} for email in want.guests]
    contacts.append({"number": "", "email": "old.customer@example.com", "status": "ARCHIVED"})
    invoices = [
        {
            "number": sale.number,
            "status": "AUTHORISED",
            "total": f"{sale.total:.2f}",
            "total_tax": f"{sale.tax:.2f}",
            "amount_paid": f"{paid.get(sale.number, Decimal(0)):.2f}",
            "lines": [{"tax_type": types[rate], "tax_amount": f"{tax:.2f}"} for rate, (_, tax) in sale.vat.items()],
        }
        for sale in want.sales.values()
    ]
    moves = [*want.payments.values(), *want.refunds.values()]
    payments = [
        {
            "reference": f"{money.id} ABCDEFGHIJKL",
            "document_number": money.number,
            "amount": f"{money.amount:.2f}",
            "status": "AUTHORISED",
        }
        for money in moves
    ]
    notes = [
        {"number": money.number, "status": "PAID", "total": f"{money.amount:.2f}"} for money in want.refunds.values()
    ]
    return {"contacts": contacts, "invoices": invoices, "credit_notes": notes, "payments": payments}


def test_right_books_hold() -> None:
    want = wanted()
    findings = compare(want, right_books(want), RATES)
    assert findings.ok, findings
    assert findings.missing == findings.doubled == findings.different == ()
    assert sum(line.source for line in findings.vat) == sum((sale.tax for sale in want.sales.values()), Decimal(0))


def test_what_waits_for_a_person_is_held_and_not_missed() -> None:
    before = wanted(unmapped_rates=frozenset({"5"}), refused_by_xero=frozenset({("shop-1", "1293")}))
    held = {item.what for item in before.held}
    assert held == {
        "order 1289",
        "order 1290",
        "order 1291",
        "order 1293",
        "payment pi_1289",
        "payment pi_1290",
        "payment pi_unknown",
    }
    after = wanted()
    assert {item.what for item in after.held} == {"order 1291", "payment pi_unknown"}
    assert len(after.sales) == len(before.sales) + 3


def test_cancelled_test_mode_and_older_versions_are_not_expected() -> None:
    want = wanted()
    assert "S1-1047" not in want.sales
    assert "pi_test1" not in want.payments
    backwards = want.sales["S1-1037"]
    [newest] = [event for event in a_day() if event.id == "order-1037-v2"]
    assert backwards.total == Decimal(newest.document["data"]["total"])


def test_order_and_repetition_of_the_log_do_not_matter() -> None:
    log = a_day()
    assert expected([*reversed(log), *log], Circumstances(prefixes=PREFIXES)).sales == wanted().sales


def _twice(rows: list[Any]) -> None:
    rows.append(copy.deepcopy(rows[0]))


@pytest.mark.parametrize(
    ("spoil", "missing", "doubled", "different"),
    [
        (lambda books: books["invoices"].pop(), 1, 0, 0),
        (lambda books: books["payments"].pop(0), 1, 0, 0),
        (lambda books: books["contacts"].pop(0), 1, 0, 0),
        (lambda books: _twice(books["invoices"]), 0, 1, 0),
        (lambda books: _twice(books["payments"]), 0, 1, 0),
        (lambda books: _twice(books["credit_notes"]), 0, 1, 0),
        (lambda books: _twice(books["contacts"]), 0, 1, 0),
        (lambda books: books["payments"].append({**books["payments"][0], "reference": "pi_stray X"}), 0, 1, 0),
        (lambda books: books["invoices"][0].update(total="0.01"), 0, 0, 1),
        (lambda books: books["invoices"][0].update(total_tax="0.01"), 0, 0, 1),
        (lambda books: books["invoices"][0].update(amount_paid="0.01"), 0, 0, 1),
        (lambda books: books["payments"][0].update(document_number="S1-9999"), 0, 0, 1),
        (lambda books: books["invoices"][0].update(status="VOIDED"), 1, 0, 0),
    ],
)
def test_each_fault_is_named(spoil: Callable[[Books], object], missing: int, doubled: int, different: int) -> None:
    want = wanted()
    books = right_books(want)
    spoil(books)
    findings = compare(want, books, RATES)
    assert (len(findings.missing), len(findings.doubled), len(findings.different)) == (missing, doubled, different)
    assert not findings.ok


def test_vat_at_another_rate_is_seen_though_the_totals_agree() -> None:
    want = wanted()
    books = right_books(want)
    line = next(line for row in books["invoices"] for line in row["lines"] if line["tax_type"] == "ZERORATEDOUTPUT")
    line["tax_type"] = "EXEMPTOUTPUT"
    assert not compare(want, books, RATES).ok


def test_each_source_has_its_line_and_a_stray_invoice_is_in_none() -> None:
    want = wanted()
    books = right_books(want)
    lines = {line.name: line for line in compare(want, books, RATES).sources}
    assert set(lines) == {"shop-1", "shop-2", "jobs-1"}
    assert all(line.agrees for line in lines.values())
    assert sum(line.source for line in lines.values()) == want.total
    books["invoices"][0].update(number="S9-1")
    assert sum(line.xero_count for line in compare(want, books, RATES).sources) == len(want.sales) - 1


def test_another_organisation_counts_and_has_a_line_of_its_own() -> None:
    irish = day(7, DATE).irish
    want = expected(irish, Circumstances(prefixes={("shop-1", "invoice"): "S1E-"}))
    assert set(want.sales) == {"S1E-1301", "S1E-1302"}
    rates = {"OUTPUT2": "20", "OUTPUT3": "23"}
    books = right_books(want, {"23": "OUTPUT3"})
    british = compare(wanted(), right_books(wanted()), RATES)
    both = british.and_of("shop-1, in €", compare(want, books, rates))
    assert both.ok
    assert both.kinds == british.kinds
    assert (both.sources[-1].name, both.sources[-1].source) == ("shop-1, in €", Decimal("178.00"))
    books["invoices"].pop()
    less = british.and_of("shop-1, in €", compare(want, books, rates))
    assert (less.missing, less.ok) == (("invoice S1E-1302",), False)


def test_two_books_together_are_the_books_of_both() -> None:
    sale = Sale("erp-1", "E1-1", Decimal(12), Decimal(2), {"20": (Decimal(10), Decimal(2))})
    nothing = expected([], Circumstances(prefixes=PREFIXES))
    other = replace(nothing, sales={"E1-1": sale}, contacts=frozenset({("erp-1", "1")}))
    both = wanted().with_(other)
    assert both.total == wanted().total + 12
    assert both.documents == wanted().documents + 2
    assert both.held == wanted().held


def test_what_people_paid_by_hand_is_expected_too() -> None:
    number = next(iter(wanted().sales))
    paid = Money("BACS-1", number, Decimal("1.00"))
    want = wanted().paid_by_hand([paid])
    books = right_books(want)
    assert compare(want, books, RATES).ok
    assert compare(wanted(), books, RATES).doubled == ("payment BACS-1",)


def test_a_payment_without_its_order_is_held() -> None:
    payment = stripe_payment("9", Decimal("5.00"), dt.datetime(2026, 11, 23, tzinfo=dt.UTC), order="404")
    want = expected([payment], Circumstances(prefixes=PREFIXES))
    assert [item.why for item in want.held] == ["order 404 waits"]
