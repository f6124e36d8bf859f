"""What the desk's verbs share: how they open the ledger, who acts, and how they ask."""

import asyncio
import os
import pwd
from collections.abc import Awaitable, Callable, Collection
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from schemas.states import CAUSES
from streams import settings, tenants
from streams.cli.app import DOES_NOT_FIT, FOUND_WRONG, Failed
from streams.core.nearest import nearest
from streams.core.tenants import Tenants
from streams.ledger import Ledger
from streams.opening import open_desk
from streams.settings import Settings

T = TypeVar("T")


def not_empty(parameter: typer.CallbackParam, value: str) -> str:
    """For typer: an empty text would mean everything, or nothing."""
    if not value.strip():
        name = parameter.metavar if parameter.param_type_name == "argument" else parameter.opts[0]
        raise Failed(f"{name} is empty: write {getattr(parameter, 'help', 'something')}.", DOES_NOT_FIT)
    return value


Json = Annotated[bool, typer.Option("--json", help="print JSON")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="only say what would happen")]
Tenant = Annotated[str | None, typer.Option(help="only this organisation, by the name of its tenant file")]
Source = Annotated[str | None, typer.Option(help="only this source")]


def console() -> Console:
    """Tables and sentences that wrap at the terminal's width, wherever stdout goes just now."""
    return Console(highlight=False, markup=False)


def indented(out: Console, text: str, by: int = 2) -> None:
    """A text whose lines all begin under its first, however narrow the terminal is."""
    out.print(Padding(Text(text), (0, 0, 0, by)))


def on_ledger(work: Callable[[Ledger], Awaitable[T]], chosen: Settings | None = None) -> T:
    """Do the work on the ledger of the settings and close it again."""
    found = chosen or settings.load()

    async def run() -> T:
        async with open_desk(found) as ledger:
            return await work(ledger)

    return asyncio.run(run())


def check_names(chosen: Settings, tenant: str | None, source: str | None) -> None:
    """A misspelt name would find or stop nothing, and look as if there were nothing. Raises Failed."""
    if tenant is None and source is None:
        return
    names = configuration(chosen)
    for option, name, known in (("--tenant", tenant, names.tenants), ("--source", source, names.sources)):
        if name is not None and name not in known:
            raise Failed(f"{option} {name} is not configured{_instead(name, known)}", DOES_NOT_FIT)


def known_cause(value: str | None) -> str | None:
    """For typer: a cause that there is."""
    if value is not None and value not in CAUSES:
        raise Failed(f"--cause {value} is no cause{_instead(value, CAUSES)}", DOES_NOT_FIT)
    return value


async def nothing_known(ledger: Ledger, key: str) -> Failed:
    """Why a key leads nowhere, with the nearest that lead somewhere."""
    near = await ledger.timeline.similar(key) or await ledger.timeline.similar(key.rpartition(":")[2])
    hint = f"Did you mean {', '.join(near)}?" if near else "`ledgerstream audit` tells what came in."
    return Failed(f"Nothing is known of {key}. {hint}", FOUND_WRONG)


def _instead(name: str, known: Collection[str]) -> str:
    near = nearest(name, known)
    return (
        f"; did you mean {near}?"
        if near
        else f": write one of {', '.join(known if isinstance(known, tuple) else sorted(known))}."
    )


def configuration(chosen: Settings) -> Tenants:
    """Today's tenant files. Raises TenantFilesError."""
    return tenants.load(chosen.tenants, settings.environment())


def actor() -> str:
    """Who acts: the name of this process's user."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"
