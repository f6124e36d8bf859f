"""`ledgerstream sources`: the systems that tell us something."""

from collections.abc import Sequence

import typer
from rich.table import Table

from streams import settings, tenants
from streams.cli.app import FOUND_WRONG, app, show
from streams.cli.desk import Json, console, indented, on_ledger
from streams.clock import SystemClock
from streams.desk.hearing import Heard, SourceView, views
from streams.desk.lines import moment
from streams.ledger import Ledger
from streams.ledger.errors import LedgerError

sources = typer.Typer(help="Look after the systems that tell us something.", no_args_is_help=True)
app.add_typer(sources, name="sources")


@sources.callback()
def _group() -> None:
    """Typer makes a group of an app that has a callback, even of one verb."""


@sources.command("list")
def list_(as_json: Json = False) -> None:
    """List the sources: whether they are heard, when last, and what is wrong.

    Ends with 1 if one is misconfigured, its API or its webhooks to us fail, or it is silent for longer than
    sources.yaml expects (24 hours if that says nothing)."""
    found = settings.load()
    configured = tenants.sources_of(found.tenants, settings.environment())
    try:
        heard, why_not = on_ledger(_heard, found), None
    except LedgerError as error:
        # A source that is misconfigured may be why no receiver has started and made a ledger.
        heard, why_not = None, error
    listed = views(configured, heard, SystemClock().now())
    show(listed, as_json=as_json, people=_print)
    if why_not is not None:
        raise why_not
    if any(one.is_wrong for one in listed):
        raise typer.Exit(FOUND_WRONG)


async def _heard(ledger: Ledger) -> Heard:
    figures, sweeps = ledger.figures, await ledger.sweeps.list()
    return Heard(
        last=await figures.last_heard(),
        sweeps=sweeps,
        finds=await figures.finds(sweeps),
        surveyed=await figures.last_surveyed(),
    )


def _print(listed: Sequence[SourceView]) -> None:
    out = console()
    table = Table("source", "connector", "state", "heard last", "swept last", "alive", box=None, pad_edge=False)
    for one in listed:
        last, swept = ("never" if at is None else moment(at) for at in (one.last_heard, one.last_swept))
        table.add_row(one.name, one.connector, one.state, last, swept, one.alive_by)
    out.print(table)
    for problem in (problem for one in listed for problem in one.problems):
        indented(out, f"✗ {problem}", 0)
