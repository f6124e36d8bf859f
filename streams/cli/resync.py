"""`ledgerstream resync`: read from Xero what changed there since a day, as if its webhooks had told it."""

from datetime import UTC, date, datetime, time
from typing import Annotated

import msgspec
import typer

from streams import settings, tenants
from streams.cli.app import DOES_NOT_FIT, Failed, app, show
from streams.cli.desk import DryRun, Json, Tenant, check_names, console, on_ledger
from streams.clock import SystemClock
from streams.core.surveys import BACKFILLED
from streams.hearing import listened
from streams.ledger import Ledger


class Resynced(msgspec.Struct, frozen=True, kw_only=True):
    """What `resync` asked for (a contract): the worker reads these lists of these organisations, from `since` on."""

    tenants: tuple[str, ...]
    lists: tuple[str, ...]
    since: datetime
    dry_run: bool


@app.command("resync")
def resync(
    since: Annotated[str, typer.Option(help="the day from which on changes are read, such as 2026-11-01")],
    tenant: Tenant = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Read from Xero what changed there since a day. What was told already is not told again."""
    found = settings.load()
    check_names(found, tenant, None)
    begin = _begin(since, SystemClock().now())
    heard = listened(tenants.load(found.tenants, settings.environment()))
    if not heard:
        raise Failed(
            "sources.yaml has no source of the connector xero, so nothing of Xero is read. Add one "
            "(deploy/docs/xero.md), then start the worker again.",
            DOES_NOT_FIT,
        )
    asked = [one for one in heard if tenant in (None, one.tenant)]
    names = tuple(one.tenant for one in asked)

    async def work(ledger: Ledger) -> None:
        if dry_run:
            return
        for one in asked:
            # Where no worker has listened yet, there is no list that could begin anew.
            await ledger.listening.begin(one)
        await ledger.listening.resync(names, begin, f"resync since {since}")

    on_ledger(work, found)
    done = Resynced(tenants=names, lists=BACKFILLED, since=begin, dry_run=dry_run)
    show(done, as_json=as_json, people=_told)


def _begin(text: str, now: datetime) -> datetime:
    try:
        begin = datetime.combine(date.fromisoformat(text), time(0), UTC)
    except ValueError:
        raise Failed(f"--since is {text!r}: expected a day such as 2026-11-01. Correct it.", DOES_NOT_FIT) from None
    if begin > now:
        raise Failed(f"--since is {text}, which has not begun yet (in UTC). Give an earlier day.", DOES_NOT_FIT)
    return begin


def _told(done: Resynced) -> None:
    verb = "Would read" if done.dry_run else "The worker reads"
    console().print(
        f"{verb} {', '.join(done.lists)} of {', '.join(done.tenants)}, as far as they changed since "
        f"{done.since:%Y-%m-%d}. What is not as it was is told in the topic events.xero."
    )
