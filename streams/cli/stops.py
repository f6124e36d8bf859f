"""`ledgerstream pause`, `resume` and `stops`: what may not send."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer

from streams import settings
from streams.cli.app import FOUND_WRONG, Failed, app, show
from streams.cli.desk import DryRun, Json, Source, Tenant, actor, check_names, console, indented, not_empty, on_ledger
from streams.desk.lines import moment
from streams.ledger import Ledger
from streams.ledger.stops import StopRow


class Paused(msgspec.Struct, frozen=True, kw_only=True):
    """What `pause` or `resume` did (a contract). `changed` is False where it was so before."""

    tenant: str | None
    source: str | None
    stopped: bool
    changed: bool
    dry_run: bool


@app.command("pause")
def pause(
    reason: Annotated[str, typer.Option(help="why, for whoever finds it stopped", callback=not_empty)],
    tenant: Tenant = None,
    source: Source = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Send nothing to Xero for now: everything, an organisation, a source, or a source of an organisation."""
    found = settings.load()
    check_names(found, tenant, source)

    async def work(ledger: Ledger) -> Paused:
        before = _one(await ledger.stops.list(), tenant, source)
        if not dry_run:
            await ledger.stops.add(tenant=tenant, source=source, reason=reason, actor=actor())
        return Paused(tenant=tenant, source=source, stopped=True, changed=before is None, dry_run=dry_run)

    show(on_ledger(work, found), as_json=as_json, people=_paused)


@app.command("resume")
def resume(tenant: Tenant = None, source: Source = None, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Let send again what was stopped. Names the scope as `stops` lists it."""

    async def work(ledger: Ledger) -> tuple[Paused, Sequence[StopRow]]:
        stops = await ledger.stops.list()
        found = _one(stops, tenant, source)
        if not dry_run:
            await ledger.stops.lift(tenant=tenant, source=source, actor=actor())
        changed = found is not None
        return Paused(tenant=tenant, source=source, stopped=False, changed=changed, dry_run=dry_run), stops

    done, stops = on_ledger(work)
    if not done.changed:
        others = ", ".join(_scope(one.tenant, one.source) for one in stops) or "nothing"
        raise Failed(f"{_scope(tenant, source)} was not stopped. Stopped now: {others}.", FOUND_WRONG)
    show(done, as_json=as_json, people=_paused)


@app.command("stops")
def stops_(as_json: Json = False) -> None:
    """List what is stopped, since when, by whom and why."""
    show(list(on_ledger(lambda ledger: ledger.stops.list())), as_json=as_json, people=_list)


def _one(stops: Sequence[StopRow], tenant: str | None, source: str | None) -> StopRow | None:
    return next((one for one in stops if (one.tenant, one.source) == (tenant, source)), None)


def _scope(tenant: str | None, source: str | None) -> str:
    if tenant is None:
        return f"source {source}" if source is not None else "everything"
    return f"organisation {tenant}" + (f", source {source}" if source is not None else "")


def _paused(done: Paused) -> None:
    scope = _scope(done.tenant, done.source)
    if not done.changed:
        console().print(f"{scope} was stopped before; its first reason stays.")
        return
    word = "stops" if done.stopped else "goes on"
    console().print(f"{'With this, ' if done.dry_run else ''}{scope} {word}.")


def _list(stops: list[StopRow]) -> None:
    if not stops:
        console().print("Nothing is stopped.")
        return
    out = console()
    for one in stops:
        out.print(f"{_scope(one.tenant, one.source)}  since {moment(one.since)} by {one.actor}", style="bold")
        indented(out, one.reason)
        if one.remedy is not None:
            # A command in it can be copied whole only from one line.
            out.print(f"  {one.remedy}", soft_wrap=True)
