"""What the demo prints and what it calls a success."""

import io
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console, RenderableType

from streams.demo import report
from streams.demo.desk import Letter
from streams.demo.expected import UNTAXED, Held
from streams.demo.heard import Told
from streams.demo.oracle import Findings, Line
from streams.demo.outcome import Outcome
from streams.demo.producers import Refusal
from streams.demo.shop import day
from streams.demo.teller import Teller
from streams.demo.xero import Calls
from tests.unit.demo.test_demo_oracle import DATE

LETTER = Letter(
    id="0a1b2c3d",
    entity="shop-1:order:1291",
    what="OrderPlaced of order 1291 of shop-1",
    cause="data",
    field="total",
    value="194.95",
    message="The lines come to 149.95 in Xero (tax 24.99), the source says 194.95: 45.00 apart.",
    remedy="Send a corrected OrderUpdated with a higher sequence; it takes this one's place.",
    command="ledgerstream dlq show 0a1b2c3d",
)
TOLD = (
    Told(
        "InvoiceStatusChanged",
        {
            "number": "S1E-1301",
            "by": "others",
            "changes": ["edited"],
            "fields": [{"field": "DueDate", "before": "2026-12-11", "after": "2026-12-25"}],
        },
    ),
    Told(
        "InvoiceStatusChanged",
        {
            "number": "S1E-1302",
            "by": "others",
            "changes": ["paid"],
            "fields": [
                {"field": "AmountPaid", "before": "0", "after": "174.09"},
                {"field": "Status", "before": "AUTHORISED", "after": "PAID"},
            ],
        },
    ),
)
KINDS = (
    Line("Contacts", 3, 3, Decimal(0), Decimal(0)),
    Line("Invoices", 4, 4, Decimal("1234.50"), Decimal("1234.50")),
    Line("Payments", 2, 2, Decimal("900.00"), Decimal("900.00")),
    Line("Credit notes", 1, 1, Decimal("12.00"), Decimal("12.00")),
    Line("Refunds", 1, 1, Decimal("12.00"), Decimal("12.00")),
)
HOLDS = Findings(
    missing=(),
    doubled=(),
    different=(),
    kinds=KINDS,
    sources=(Line("shop-1", 3, 3, Decimal("1000.00"), Decimal("1000.00")),),
    vat=(Line("20", 4, 4, Decimal(7), Decimal(7)), Line(UNTAXED, 1, 1, Decimal(0), Decimal(0))),
    documents=11,
)


def outcome(**changes: Any) -> Outcome:
    right: dict[str, Any] = {
        "accepted": 16,
        "swept": 3,
        "from_xero": 1,
        "by_hand": TOLD,
        "refused": (Refusal(day(7, DATE).malformed, 400, {}),),
        "findings": HOLDS,
        "calls": Calls(total=5, reads=2, recent=5, refused=False, ordered_429=1, earned_429=0),
        "faults": 3,
        "audit": {
            "ok": True,
            "dispositions": {"posted": 14, "superseded": 1, "ignored": 2, "discarded": 1, "dead_lettered": 1},
            "duplicates": 1,
            "problems": [],
        },
        "left": (LETTER,),
        "left_on_purpose": 1,
        "replayed": 2,
    }
    return Outcome(**{**right, **changes})


def printed(what: RenderableType, width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(what)
    written = console.file
    assert isinstance(written, io.StringIO)
    return written.getvalue()


def test_the_summary_adds_up_and_has_every_name_of_the_contract() -> None:
    summary = outcome().summary()
    names = "accepted posted duplicates superseded ignored discarded dead_lettered replayed waiting lost doubled"
    names += " xero_calls documents documents_per_call throttled source_total xero_total ok"
    assert set(names.split()) <= set(summary)
    ends = ("posted", "superseded", "ignored", "discarded", "dead_lettered", "waiting", "duplicates")
    came = summary["accepted"] + summary["swept"] + summary["from_xero"]
    assert came == sum(summary[name] for name in ends)
    assert summary["told_by_hand"] == 2
    assert summary["sources"] == {"shop-1": {"invoices": 3, "source_total": "1000.00", "xero_total": "1000.00"}}
    assert summary["source_total"] == summary["xero_total"] == "1234.50"
    assert summary["documents_per_call"] == 2.2
    assert summary["ok"] is True


AUDIT = outcome().audit


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"findings": replace(HOLDS, missing=("invoice S1-1",))}, "missing in Xero: invoice S1-1"),
        ({"findings": replace(HOLDS, doubled=tuple("abcdefg"))}, "a, b, c, d, e and 2 more"),
        ({"findings": replace(HOLDS, different=("invoice S1-1: total",))}, "different in Xero"),
        ({"findings": replace(HOLDS, vat=(Line("20", 4, 4, Decimal(7), Decimal(8)),))}, "are apart"),
        ({"accepted": 17}, "21 events were accepted, swept or told by Xero, the audit tells of 20"),
        ({"by_hand": ()}, "events.xero does not tell: S1E-1301 edited, S1E-1302 paid"),
        ({"findings": replace(HOLDS, sources=(Line("shop-1", 1, 1, Decimal(7), Decimal(8)),))}, "are apart"),
        ({"left": ()}, "0 dead letters are open, 1 should be"),
        ({"calls": Calls(total=5, reads=2, recent=5, refused=False, ordered_429=1, earned_429=2)}, "refused 2 calls"),
        ({"faults": 2}, "only 2 of 3 faults"),
        ({"refused": ()}, "was not refused with 400"),
        ({"audit": {**AUDIT, "ok": False, "problems": ["a row is gone"]}}, "the audit found: a row is gone"),
        (
            {"audit": {**AUDIT, "dispositions": {**AUDIT["dispositions"], "posted": 13, "waiting": 1}}},
            "1 events still wait",
        ),
    ],
)
def test_whatever_does_not_hold_is_a_sentence(change: dict[str, Any], sentence: str) -> None:
    spoiled = outcome(**change)
    assert any(sentence in problem for problem in spoiled.problems()), spoiled.problems()
    assert spoiled.summary()["ok"] is False


@pytest.mark.parametrize("width", [60, 80, 140])
def test_tables_fit_the_terminal_and_lose_no_figure(width: int) -> None:
    parts = (
        report.events(outcome()),
        report.documents(KINDS),
        report.sources(HOLDS.sources),
        report.vat(HOLDS.vat),
        report.heard(TOLD),
        report.calls(outcome(), 10),
        report.letter(1, LETTER),
    )
    text = "".join(printed(part, width) for part in parts)
    assert max(map(len, text.splitlines())) <= width
    for word in (
        "1,234.50",
        "dead-lettered",
        "documents per call",
        "194.95",
        "45.00 apart.",
        "at 20 %",
        "untaxed",
        "shop-1",
        "174.09",
        "2026-12-25",
    ):
        assert word in text
    assert "…" not in text


def test_what_is_apart_and_what_is_held_is_told() -> None:
    text = printed(report.documents((Line("Invoices", 1, 1, Decimal("10.00"), Decimal("9.99")),)), 80)
    assert "-0.01" in text
    assert report.held([Held("order 1291", Decimal("194.95"), "its lines come to 149.95")]) == [
        "Not in these totals: order 1291, £194.95: its lines come to 149.95."
    ]


def test_without_a_terminal_each_note_is_one_line() -> None:
    console = Console(file=io.StringIO(), width=80)
    teller = Teller(console)
    with teller.progress("Documents", 3) as moved:
        for count in range(4):
            moved(count, "waiting for Xero's minute")
    with teller.step("Kafka [really]") as done:
        done("at 127.0.0.1:9092")
    teller.act("An act [bold]")
    written = console.file
    assert isinstance(written, io.StringIO)
    lines = written.getvalue().splitlines()
    assert sum("waiting" in line for line in lines) == 1
    assert any("Documents 3 (" in line for line in lines)
    assert any("Kafka [really] at 127.0.0.1:9092 (" in line for line in lines)
    assert lines[-1] == "An act [bold]"
