"""What the desk's verbs share: how they open the ledger, who acts, and how they ask."""

import asyncio
import os
import pwd
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from streams import bootstrap, settings, tenants
from streams.core.tenants import Tenants
from streams.ledger import Ledger
from streams.settings import Settings

T = TypeVar("T")

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
        async with bootstrap.open_desk(found) as ledger:
            return await work(ledger)

    return asyncio.run(run())


def configuration(chosen: Settings) -> Tenants:
    """Today's tenant files. Raises TenantFilesError."""
    return tenants.load(chosen.tenants, settings.environment())


def actor() -> str:
    """Who acts: the name of this process's user."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"
