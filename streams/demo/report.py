"""What an accountant wants to see, as tables that also fit a narrow terminal."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from rich import box
from rich.console import RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from streams.demo.desk import Letter
from streams.demo.expected import UNTAXED, Held
from streams.demo.heard import Told
from streams.demo.oracle import Line
from streams.demo.outcome import DISPOSITIONS, Outcome

_MEANS: Final = {
    "posted": "in the books",
    "superseded": "a newer version took its place",
    "ignored": "told of nothing to book",
    "discarded": "set aside by a person, with a reason",
    "dead_lettered": "on a person's desk",
    "waiting": "not finished",
}


def events(outcome: Outcome) -> RenderableType:
    """Every accepted event, by where it ended."""
    table = _table("Events", "", "")
    for name in DISPOSITIONS:
        table.add_row(name.replace("_", "-"), _count(outcome.disposition(name)), _MEANS[name])
    table.add_row("duplicates", _count(outcome.duplicates), "told again, booked once", end_section=True)
    table.add_row("accepted", _count(outcome.accepted), "answered 2xx or committed, by the senders' own log")
    table.add_row("swept", _count(outcome.swept), "found by asking the Shopify shop, known or lost")
    table.add_row("from Xero", _count(outcome.from_xero), "its webhooks, and what they brought to light")
    return _indented(table)


def documents(lines: Sequence[Line]) -> RenderableType:
    """Documents by kind, as the sources and as Xero has them."""
    table = _table("Documents", "source", "Xero", "source £", "Xero £", "apart £")
    for line in lines:
        money = ("", "", "") if line.name == "Contacts" else _money(line)
        table.add_row(line.name, _count(line.source_count), _count(line.xero_count), *money)
    return _indented(table)


def sources(lines: Sequence[Line]) -> RenderableType:
    """Invoices by who sold."""
    table = _table("Sold by", "source", "Xero", "source £", "Xero £", "apart £")
    for line in lines:
        table.add_row(line.name, _count(line.source_count), _count(line.xero_count), *_money(line))
    return _indented(table)


def heard(told: Sequence[Told]) -> RenderableType:
    """What people did in Xero: which document, what, and each field before and after."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    for column in ("In Xero", "by", "what", "field", "before", "after"):
        table.add_column(column, overflow="fold")
    for one in told:
        words = (one.document, str(one.data["by"]), ", ".join(one.data["changes"]))
        for field in one.data.get("fields", ()):
            table.add_row(*words, *(escape(str(field.get(name) or "")) for name in ("field", "before", "after")))
            words = ("", "", "")
    return _indented(table)


def vat(lines: Sequence[Line]) -> RenderableType:
    """VAT on sales by rate."""
    table = _table("VAT on sales", "invoices", "source £", "Xero £", "apart £")
    for line in lines:
        name = line.name if line.name == UNTAXED else f"at {line.name} %"
        table.add_row(name, _count(line.xero_count), *_money(line))
    return _indented(table)


def calls(outcome: Outcome, speed: float) -> RenderableType:
    """What Xero was asked, and how it behaved."""
    table = _table("Calls to Xero", "", "")
    table.add_row("used", _count(outcome.calls.total), f"retries included; {outcome.calls.reads} of them read")
    table.add_row("documents", _count(outcome.findings.documents), "made in Xero by these calls")
    table.add_row("documents per call", f"{outcome.documents_per_call}", "Xero takes 60 calls a minute, 5,000 a day")
    table.add_row("faults", _count(outcome.faults), "cut after booking, half booked and 500, 429: all recovered")
    earned = f"of which {outcome.calls.earned_429} for going too fast; the sandbox's minute ran {speed:g} times faster"
    table.add_row("refused (429)", _count(outcome.calls.ordered_429 + outcome.calls.earned_429), earned)
    return _indented(table)


def letter(position: int, what: Letter) -> RenderableType:
    """One dead letter in plain words; its command is not here, because a table would break it."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    rows = (
        ("field", what.field),
        ("value", what.value),
        ("cause", f"{what.cause}: {what.message}"),
        ("remedy", what.remedy),
    )
    for name, text in rows:
        table.add_row(name, escape(text or "none"))
    head = Table.grid()
    head.add_row(f"[bold]{position}. {escape(what.what)}[/bold]")
    head.add_row(Padding(table, (0, 0, 0, 3)))
    return _indented(head)


def held(items: Iterable[Held]) -> list[str]:
    """What is not in the totals, and why."""
    return [f"Not in these totals: {item.what}, £{item.amount:,.2f}: {item.why}." for item in items]


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    for at, column in enumerate(columns):
        # The last column without a heading holds words, all others after the first hold figures.
        words = at == 0 or (column == "" and at == len(columns) - 1)
        table.add_column(column, justify="left" if words else "right", no_wrap=at == 0 or not words)
    return table


def _money(line: Line) -> tuple[str, str, str]:
    apart = line.xero - line.source
    return f"{line.source:,.2f}", f"{line.xero:,.2f}", _apart(apart)


def _apart(amount: Decimal) -> str:
    return f"[red]{amount:,.2f}[/red]" if amount else "[green]0.00[/green]"


def _count(count: int) -> str:
    return f"{count:,}"


def _indented(what: RenderableType) -> RenderableType:
    return Padding(what, (1, 0, 0, 2))
