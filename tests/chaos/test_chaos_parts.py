"""The harness's own parts: its clock, its plans, and an oracle that sees every kind of mistake."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import oracle, shapes
from tests.chaos import round as rounds
from tests.chaos.clock import ChaosClock, Hand
from tests.chaos.expected import expected
from tests.chaos.log import Entry, Log, read
from tests.chaos.processes import ROOT
from tests.chaos.shapes import Line, Order

ORDER = Order("shop-1", "1001", "GBP", {"id": "c1", "name": "Ada"}, (Line(1000, 2, "20"), Line(333, 1, "5")), True)


async def test_a_leap_wakes_who_sleeps_and_a_step_does_not(tmp_path: Path) -> None:
    hand = Hand(tmp_path / "clock")
    clock, xero = ChaosClock(tmp_path / "clock"), ChaosClock(tmp_path / "clock", steps=False)
    sleeping = asyncio.create_task(clock.sleep(3600.0))
    hand.step(-7200.0)
    await asyncio.sleep(0.1)
    assert not sleeping.done()
    assert 7199 < (xero.now() - clock.now()).total_seconds() < 7201
    before = clock.elapsed()
    hand.leap(3600.0)
    await asyncio.wait_for(sleeping, 1)
    assert 3600 <= clock.elapsed() - before < 3601
    assert 7199 < (xero.now() - clock.now()).total_seconds() < 7201


async def test_time_runs_at_its_rate_in_every_process(tmp_path: Path) -> None:
    hand = Hand(tmp_path / "clock", rate=100.0)
    began = hand.elapsed()
    await hand.sleep(50.0)
    assert 50 <= hand.elapsed() - began < 100
    hand.run(1.0)
    script = (
        "import sys; from pathlib import Path; from tests.chaos.clock import ChaosClock; "
        "print(ChaosClock(Path(sys.argv[1])).elapsed())"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "clock")], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert 0 <= hand.elapsed() - float(told.stdout) < 5


def test_a_seed_gives_the_same_round_again() -> None:
    assert rounds.plan(7, many=True) == rounds.plan(7, many=True)
    assert rounds.plan(7).deliveries != rounds.plan(8).deliveries


@pytest.mark.parametrize("seed", range(20))
def test_at_least_half_of_the_payments_are_small_parts(seed: int) -> None:
    """A double of one that is at most half of its order is not refused by Xero, so it is seen."""
    log = [Entry("202", one.way, one.source, one.body, one.word) for one in rounds.plan(seed).deliveries]
    wanted = expected(log)
    totals = {(sale.number, sale.currency): sale.total for sale in wanted.sales.values()}
    small = [one for one in wanted.payments.values() if one.amount * 2 <= totals[one.document, one.currency]]
    assert len(small) * 2 >= len(wanted.payments)


def told(*documents: shapes.Document, word: str | None = None) -> list[Entry]:
    return [Entry("202", "single", "shop-1", json.dumps(one).encode(), word) for one in documents]


def well() -> tuple[list[Entry], dict[str, Any]]:
    """A paid and partly refunded order with its books, as they should be."""
    entries = told(
        shapes.sale(ORDER, "e1", 1, 0),
        shapes.payment(ORDER, "shop-1", "shop", "p1", 500, 1),
        shapes.refund(ORDER, "shop-1", "shop", "r1", 100, 2),
        shapes.contact("crm-1", "k1", 1, 3),
    )
    note = {"number": "S1-CN-r1", "status": "PAID", "total": "1.00"}
    invoice = {
        "number": "S1-1001",
        "status": "AUTHORISED",
        "contact_id": "x1",
        "total": "23.33",
        "total_tax": "3.49",
        "amount_paid": "5.00",
    }
    payments = [
        {
            "reference": f"{id} MARK",
            "status": "AUTHORISED",
            "amount": amount,
            "document_number": of,
            "account_code": "092",
        }
        for id, amount, of in (("p1", "5.00", "S1-1001"), ("r1", "1.00", "S1-CN-r1"))
    ]
    contacts = [
        {"id": "x1", "number": "shop-1:c1", "name": "Ada", "email": "", "status": "ACTIVE"},
        {"id": "x2", "number": "crm-1:k1", "name": "Kim k1 v1", "email": "kim-k1-1@example.com", "status": "ACTIVE"},
        {"id": "x3", "number": "", "name": "Somebody else", "email": "", "status": "ACTIVE"},
    ]
    return entries, {"invoices": [invoice], "credit_notes": [note], "payments": payments, "contacts": contacts}


def test_books_that_are_right() -> None:
    entries, books = well()
    assert oracle.compare(expected(entries), {"GBP": books}, []).ok


def drop(kind: str, at: int) -> Callable[[dict[str, Any]], None]:
    return lambda books: books[kind].pop(at)


def double(kind: str, at: int) -> Callable[[dict[str, Any]], None]:
    return lambda books: books[kind].append(books[kind][at])


def change(kind: str, at: int, **fields: str) -> Callable[[dict[str, Any]], None]:
    return lambda books: books[kind][at].update(fields)


@pytest.mark.parametrize("kind", ["invoices", "credit_notes", "payments", "contacts"])
def test_what_is_missing_or_there_twice_is_seen(kind: str) -> None:
    for act, where in ((drop(kind, 0), "lost"), (double(kind, 0), "doubled")):
        entries, books = well()
        act(books)
        assert getattr(oracle.compare(expected(entries), {"GBP": books}, []), where)


@pytest.mark.parametrize(
    "wrong",
    [
        change("invoices", 0, total="23.34"),
        change("invoices", 0, total_tax="3.48"),
        change("invoices", 0, amount_paid="10.00"),
        change("invoices", 0, status="PAID"),
        change("invoices", 0, contact_id="x2"),
        change("payments", 0, amount="5.01"),
        change("payments", 0, account_code="091"),
        change("payments", 0, document_number="S1-1002"),
        change("credit_notes", 0, total="1.01"),
        change("credit_notes", 0, status="AUTHORISED"),
        change("contacts", 1, email="old@example.com"),
        change("contacts", 1, name="Kim"),
    ],
)
def test_what_is_different_is_seen(wrong: Callable[[dict[str, Any]], None]) -> None:
    entries, books = well()
    wrong(books)
    assert oracle.compare(expected(entries), {"GBP": books}, []).wrong


def test_versions_cancellations_and_reversals() -> None:
    dearer = ORDER._replace(lines=(Line(9999, 1, "0"),))
    entries = told(
        shapes.sale(dearer, "e2", 2, 0),
        shapes.sale(ORDER, "e1", 1, 0),
        shapes.payment(ORDER, "shop-1", "shop", "p1", 500, 1),
        shapes.reversal("shop-1", "shop", "p1", 1),
    )
    [sale] = expected(entries).sales.values()
    assert (sale.total, sale.tax, expected(entries).payments) == (9999, 0, {})
    gone = expected([*entries, *told(shapes.cancellation(ORDER, "e3", 3, 0))])
    assert (gone.sales, gone.perhaps) == ({}, {("GBP", "shop-1:c1")})


def test_what_is_malformed_must_be_a_dead_letter_and_what_was_refused_need_not() -> None:
    accepted = told({"order": "bad1"}, word="bad1")
    assert oracle.compare(expected(accepted), {}, []).lost
    assert oracle.compare(expected(accepted), {}, [b'{"order": "bad1"}']).ok
    refused = [accepted[0]._replace(answer="400")]
    assert oracle.compare(expected(refused), {}, []).ok


def test_the_log_keeps_every_byte(tmp_path: Path) -> None:
    entries = [Entry("acknowledged", "kafka", "shop-1", b"\x00\xff\n{", "bad1"), *told({"a": "Ömer"})]
    log = Log(tmp_path / "log")
    for entry in entries:
        log.add(entry)
    log.close()
    assert list(read(tmp_path / "log")) == entries
