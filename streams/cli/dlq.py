"""`ledgerstream dlq`: dead letters are listed, shown, replayed and discarded."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from schemas.codec import Refused, load_json
from streams import settings
from streams.cli import dlq_printing as printing
from streams.cli.app import DOES_NOT_FIT, FOUND_WRONG, Failed, app, print_json, show
from streams.cli.desk import (
    DryRun,
    Json,
    Source,
    Tenant,
    actor,
    check_names,
    configuration,
    known_cause,
    not_empty,
    nothing_known,
    on_ledger,
)
from streams.clock import SystemClock
from streams.desk.letter import letter_view
from streams.desk.lines import REASON, LetterLine, line_of
from streams.desk.replaying import Went, replay_all
from streams.desk.retranslate import with_tenants
from streams.ledger import Ledger
from streams.ledger.discarding import DiscardReport

dlq = typer.Typer(help="Dead letters: what a person must mend.", no_args_is_help=True)
app.add_typer(dlq, name="dlq")

_EVERY: Final = 1_000_000
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

Cause = Annotated[str | None, typer.Option(help="only this cause, such as data or period_locked", callback=known_cause)]
_ID: Final = "the letter's id, or the beginning of it, as `ledgerstream dlq list` shows it"
Id = Annotated[str, typer.Argument(metavar="ID", help=_ID, callback=not_empty)]


@dlq.command("list")
def list_(
    cause: Cause = None,
    source: Source = None,
    tenant: Tenant = None,
    entity: Annotated[str | None, typer.Option(help="only this entity, such as shop-1:order:1001")] = None,
    since: Annotated[str | None, typer.Option(help="only what failed within this time: 30m, 2h, 7d")] = None,
    all_: Annotated[bool, typer.Option("--all", help="closed letters as well")] = False,
    group: Annotated[str | None, typer.Option(help="count by cause or by source")] = None,
    as_json: Json = False,
) -> None:
    """List the open dead letters, oldest first, each with the command that ends it."""
    if group not in (None, "cause", "source"):
        raise Failed(f"--group is {group}: write cause or source.", DOES_NOT_FIT)
    oldest = datetime.now(UTC) - _span(since) if since is not None else None

    async def work(ledger: Ledger) -> list[LetterLine]:
        rows = await ledger.dead_letters.list(
            state=None if all_ else "open", cause=cause, tenant=tenant, source=source, entity_key=entity, limit=_EVERY
        )
        if not rows and entity is not None and not await ledger.timeline.entities(entity):
            raise await nothing_known(ledger, entity)
        now = datetime.now(UTC)
        return [line_of(row, now) for row in rows if oldest is None or row.letter.last_failed_at >= oldest]

    found = settings.load()
    lines = on_ledger(work, found)
    if not lines:
        check_names(found, tenant, source)
    if group is not None:
        show(_grouped(lines, group), as_json=as_json, people=lambda found: printing.groups(found, group))
    else:
        show(lines, as_json=as_json, people=printing.lines)


@dlq.command("show")
def show_(
    identifier: Id,
    data: Annotated[bool, typer.Option("--data", help="print only the event's value, to edit and replay it")] = False,
    as_json: Json = False,
) -> None:
    """Show everything about one letter: the event, the command, Xero's answer, what waits for it."""
    view = on_ledger(lambda ledger: letter_view(ledger, identifier, datetime.now(UTC)))
    if data:
        print_json(view.event)
    else:
        show(view, as_json=as_json, people=printing.letter)


@dlq.command("replay")
def replay(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="letters, by id or its beginning")] = None,
    all_: Annotated[bool, typer.Option("--all", help="every open letter that the options name")] = False,
    cause: Cause = None,
    source: Source = None,
    tenant: Tenant = None,
    edit: Annotated[Path | None, typer.Option(help="take the event's value from this JSON file")] = None,
    rate: Annotated[str | None, typer.Option(help="at most so many letters a minute, such as 30/min")] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Translate letters anew with today's tenant files and take them in again. Ends with 1 if one did not go back."""
    chosen = ids or []
    if not all(one.strip() for one in chosen):
        raise Failed(f"ID is empty: write {_ID}.", DOES_NOT_FIT)
    if bool(chosen) == all_:
        raise Failed("Name the letters to replay, or --all with --cause or another option; not both.", DOES_NOT_FIT)
    if edit is not None and len(chosen) != 1:
        raise Failed("--edit is the value of one event: name one letter with it.", DOES_NOT_FIT)
    edited, per_minute = _edited(edit), _per_minute(rate)
    found = settings.load()
    retranslate = with_tenants(configuration(found))

    async def work(ledger: Ledger) -> list[Went]:
        if all_:
            rows = await ledger.dead_letters.list(cause=cause, source=source, tenant=tenant, limit=_EVERY)
            chosen.extend(row.letter.dlq_id for row in rows)
            if not rows:
                check_names(found, tenant, source)
        went = []
        clock = SystemClock()
        async for one in replay_all(
            ledger,
            clock,
            chosen,
            retranslate,
            actor(),
            edited=edited,
            dry_run=dry_run,
            per_minute=per_minute,
        ):
            went.append(one)
            if not as_json:
                printing.went(one)
        return went

    went = on_ledger(work, found)
    show(went, as_json=as_json, people=printing.all_went)
    if not all(one.ok for one in went):
        raise typer.Exit(FOUND_WRONG)


@dlq.command("discard")
def discard(
    identifier: Id,
    reason: Annotated[str, typer.Option(help="why nothing is to be booked for it")],
    followers: Annotated[bool, typer.Option("--followers", help="discard what builds on it as well")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Close a letter for good: nothing will be booked for it."""
    if reason == REASON:
        raise Failed(
            f"--reason is '{REASON}': do first what the remedy says, then write in its place what you did.",
            DOES_NOT_FIT,
        )
    if not reason.strip():
        raise Failed("--reason is empty: say why nothing is to be booked, for whoever asks later.", DOES_NOT_FIT)

    async def work(ledger: Ledger) -> DiscardReport:
        return await ledger.discarding.discard(identifier, reason, actor(), followers=followers, dry_run=dry_run)

    show(on_ledger(work), as_json=as_json, people=printing.discarded)


def _span(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if found is None:
        raise Failed(f"--since is {text}: write a number and s, m, h or d, such as 2h.", DOES_NOT_FIT)
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _per_minute(text: str | None) -> float | None:
    if text is None:
        return None
    found = re.fullmatch(r"([1-9]\d{0,5})(/min)?", text)
    if found is None:
        raise Failed(f"--rate is {text}: write letters a minute, such as 30/min.", DOES_NOT_FIT)
    return float(found[1])


def _edited(file: Path | None) -> bytes | None:
    if file is None:
        return None
    try:
        body = file.read_bytes()
        load_json(body)
    except OSError as error:
        raise Failed(f"--edit {file}: {error.strerror}. Name a file that can be read.", DOES_NOT_FIT) from None
    except Refused as error:
        raise Failed(f"--edit {file} is no JSON: {error}. Begin with `dlq show ID --data`.", DOES_NOT_FIT) from None
    return body


def _grouped(lines: list[LetterLine], group: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for line in lines:
        name = line.cause if group == "cause" else line.source or "unknown"
        counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
