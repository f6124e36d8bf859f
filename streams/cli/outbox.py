"""`ledgerstream outbox`: the outboxes in companies' own databases."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final, TypeVar

import msgspec
import typer
from rich.table import Table

from connectors.base import OutboxConfig
from connectors.outbox.errors import OutboxUnavailable
from connectors.outbox.figures import RejectedRow
from connectors.outbox.store import Outbox
from streams import settings
from streams.cli.app import DOES_NOT_FIT, FOUND_WRONG, Failed, app, out, show
from streams.cli.desk import DryRun, Json, actor, configuration, console
from streams.clock import SystemClock
from streams.core.nearest import nearest
from streams.desk.lines import moment
from streams.outboxes import open_outbox, outbox_sources

T = TypeVar("T")

_REJECTED_SHOWN: Final = 10

outbox = typer.Typer(help="Look after the outboxes in companies' own databases.", no_args_is_help=True)
app.add_typer(outbox, name="outbox")

Name = Annotated[str, typer.Argument(metavar="SOURCE", help="a source whose connector is outbox")]


class Installed(msgspec.Struct, frozen=True, kw_only=True):
    """What `outbox install` ran, or would run (a contract)."""

    source: str
    applied: bool
    statements: tuple[str, ...]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How one outbox stands (a contract). `unavailable`: why it cannot be asked; then the other fields say nothing.
    `leader` is None while no worker polls it, `lapsed` then who did last and never gave it up; `error` is the last that
    the leader met."""

    source: str
    unavailable: str | None = None
    waiting: int = 0
    oldest: datetime | None = None
    rejected: int = 0
    leader: str | None = None
    lapsed: str | None = None
    error: str | None = None
    error_at: datetime | None = None
    rows: tuple[RejectedRow, ...] = ()

    @property
    def is_wrong(self) -> bool:
        return self.unavailable is not None or self.rejected > 0 or self.leader is None


class Discarded(msgspec.Struct, frozen=True, kw_only=True):
    """Which rejected rows `outbox discard` ended, or would end, by their positions (a contract)."""

    source: str
    positions: tuple[int, ...]
    reason: str
    dry_run: bool


class Pruned(msgspec.Struct, frozen=True, kw_only=True):
    """How many published rows `outbox prune` deleted, or would delete (a contract)."""

    source: str
    before: datetime
    rows: int
    dry_run: bool


@outbox.command("install")
def install(
    source: Name,
    apply: Annotated[bool, typer.Option("--apply", help="run the statements in the source's database")] = False,
    as_json: Json = False,
) -> None:
    """Print the statements that make the outbox, or run them. Running them again keeps every row."""
    config = _config(source)
    now = SystemClock().now()

    async def work(box: Outbox) -> Installed:
        if apply:
            await box.install(now)
        return Installed(source=source, applied=apply, statements=box.statements(now))

    show(_with(config, work), as_json=as_json, people=_installed)


@outbox.command("status")
def status(
    source: Annotated[str | None, typer.Argument(metavar="SOURCE", help="only this source")] = None,
    as_json: Json = False,
) -> None:
    """Tell what waits, since when, who polls, and which rows need a person. Exit code 1 if something is wrong."""
    configs = {source: _config(source)} if source else _configs()
    found = asyncio.run(_standings(configs))
    show(found, as_json=as_json, people=_standing)
    if any(one.is_wrong for one in found):
        raise typer.Exit(FOUND_WRONG)


@outbox.command("discard")
def discard(
    source: Name,
    positions: Annotated[list[int], typer.Argument(metavar="POSITION...", help="of rejected rows, as `status` shows")],
    reason: Annotated[str, typer.Option(help="why nothing is to be sent for them")],
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """End rejected rows for good: nothing will be sent for them. Workers delete them in time, like published ones."""
    config = _config(source)
    if not reason.strip():
        raise Failed("--reason is empty: say why nothing is to be sent, for whoever asks later.", DOES_NOT_FIT)

    async def work(box: Outbox) -> Discarded:
        rejected = await box.are_rejected(positions)
        if others := sorted(set(positions) - set(rejected)):
            raise Failed(
                f"{source} has no rejected row {others[0]}: `ledgerstream outbox status {source}` shows those that it "
                "has. Nothing was discarded.",
                DOES_NOT_FIT,
            )
        if not dry_run:
            await box.discard(rejected, f"discarded by {actor()}: {reason}.", SystemClock().now())
        return Discarded(source=source, positions=tuple(rejected), reason=reason, dry_run=dry_run)

    show(_with(config, work), as_json=as_json, people=_discarded)


@outbox.command("prune")
def prune(
    source: Name,
    keep_days: Annotated[
        int | None, typer.Option(min=0, help="keep what was published so recently; the source's own keep_days if unset")
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Delete rows that were published some time ago. Workers do this by themselves every minute."""
    config = _config(source)
    before = SystemClock().now() - timedelta(days=config.keep_days if keep_days is None else keep_days)

    async def work(box: Outbox) -> Pruned:
        rows = await box.prunable(before) if dry_run else 0
        while not dry_run and (deleted := await box.prune(before)):
            rows += deleted
        return Pruned(source=source, before=before, rows=rows, dry_run=dry_run)

    show(_with(config, work), as_json=as_json, people=_pruned)


def _configs() -> dict[str, OutboxConfig]:
    return outbox_sources(configuration(settings.load()).sources)


def _config(source: str) -> OutboxConfig:
    configs = _configs()
    if source not in configs:
        near = nearest(source, configs)
        known = f"did you mean {near}?" if near else f"those that have: {', '.join(configs) or 'none'}."
        raise Failed(f"{source} is no source with the connector outbox in sources.yaml; {known}", DOES_NOT_FIT)
    return configs[source]


def _with(config: OutboxConfig, work: Callable[[Outbox], Awaitable[T]]) -> T:
    async def run() -> T:
        box = open_outbox(config)
        try:
            return await work(box)
        finally:
            await box.close()

    return asyncio.run(run())


async def _standings(configs: dict[str, OutboxConfig]) -> list[Standing]:
    return list(await asyncio.gather(*(_standing_of(name, config) for name, config in configs.items())))


async def _standing_of(source: str, config: OutboxConfig) -> Standing:
    try:
        box = open_outbox(config)
    except OutboxUnavailable as error:
        return Standing(source=source, unavailable=str(error))
    try:
        figures = await box.figures()
        rows: Sequence[RejectedRow] = await box.rejected(_REJECTED_SHOWN) if figures.rejected else ()
    except OutboxUnavailable as error:
        return Standing(source=source, unavailable=str(error))
    finally:
        await box.close()
    return Standing(
        source=source,
        waiting=figures.waiting,
        oldest=figures.oldest,
        rejected=figures.rejected,
        leader=figures.leader,
        lapsed=figures.lapsed,
        error=figures.error,
        error_at=figures.error_at,
        rows=tuple(rows),
    )


def _installed(done: Installed) -> None:
    if done.applied:
        out.print(f"The outbox of {done.source} is there.", markup=False)
        return
    for statement in done.statements:
        out.print(f"{statement};", markup=False)


def _standing(found: list[Standing]) -> None:
    if not found:
        out.print("No source has the connector outbox.")
        return
    table = Table("source", "waiting", "oldest", "rejected", "leader", box=None, pad_edge=False)
    for one in found:
        leader = "?" if one.unavailable else one.leader or ("nobody now" if one.lapsed else "nobody: start a worker")
        oldest = moment(one.oldest) if one.oldest else ""
        table.add_row(one.source, str(one.waiting), oldest, str(one.rejected), leader)
    console().print(table)
    for one in found:
        if one.unavailable:
            console().print(f"{one.source}: {one.unavailable}")
        if one.lapsed:
            console().print(
                f"{one.source}: {one.lapsed} led last and did not give up: it ended without a word, or cannot write "
                "because the application holds a lock of the database."
            )
        if one.error and one.error_at:
            console().print(f"{one.source}: last error, {moment(one.error_at)}: {one.error}")
        for row in one.rows:
            console().print(f"{one.source}: row {row.position} (id {row.id}) is no event: {row.reason}")
        if one.rejected > len(one.rows):
            console().print(f"{one.source}: {one.rejected - len(one.rows)} more rows are rejected.")


def _discarded(done: Discarded) -> None:
    verb = "would be discarded" if done.dry_run else "is discarded"
    for position in done.positions:
        out.print(f"Row {position} of {done.source} {verb}: {done.reason}", markup=False)


def _pruned(done: Pruned) -> None:
    verb = "would be deleted" if done.dry_run else "deleted"
    out.print(f"{done.rows} rows that were published before {moment(done.before)} {verb}.", markup=False)
