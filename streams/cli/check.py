"""`ledgerstream check`: settings and tenant files, by themselves and beside Xero."""

import asyncio
from typing import Annotated

import msgspec
import typer
from pydantic import SecretStr

from connectors.addresses import without_password
from streams import settings, tenants
from streams.cli.app import FOUND_WRONG, app, show
from streams.cli.desk import Json, configuration, console, indented
from streams.clock import SteadyClock, SystemClock
from streams.core.tenants import Tenants
from streams.desk.checking import OrganisationView, compare
from streams.ledger.errors import LedgerError
from streams.opening import open_desk
from streams.settings import Settings, SettingsError
from streams.tenants import TenantFilesError


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """`check --json` (a contract). `settings` are those in force, secrets masked. `not_asked` says why Xero was not
    asked; None if it was."""

    ok: bool
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    settings: dict[str, str | None]
    organisations: tuple[OrganisationView, ...] = ()
    not_asked: str | None = None


@app.command("check")
def check(
    offline: Annotated[bool, typer.Option("--offline", help="only settings and files; do not ask Xero")] = False,
    as_json: Json = False,
) -> None:
    """Check settings and tenant files, and compare accounts, tax rates and currencies with Xero. Ends with 1 if
    something is wrong."""
    view = _checked(offline)
    show(view, as_json=as_json, people=_print)
    if not view.ok:
        raise typer.Exit(FOUND_WRONG)


def _checked(offline: bool) -> Checked:
    try:
        found = settings.load()
        files = configuration(found)
    except (SettingsError, TenantFilesError) as error:
        return Checked(ok=False, problems=tuple(str(error).splitlines()), warnings=(), settings={})
    why = _why_not(found, offline)
    asked: tuple[OrganisationView, ...] = ()
    if why is None:
        try:
            asked = asyncio.run(_ask(found, files))
        except LedgerError as error:
            # A slot of the limit is a row in the ledger, so without one no call may leave.
            why = str(error)
    problems = tuple(problem for one in asked for problem in one.problems)
    return Checked(
        ok=not problems,
        problems=problems,
        warnings=files.warnings,
        settings=_effective(found),
        organisations=asked,
        not_asked=why,
    )


def _why_not(found: Settings, offline: bool) -> str | None:
    if offline:
        return "--offline was given."
    if found.xero_client_id is None or found.xero_client_secret is None:
        return "LEDGERSTREAM_XERO_CLIENT_ID and LEDGERSTREAM_XERO_CLIENT_SECRET are not set."
    return None


async def _ask(found: Settings, files: Tenants) -> tuple[OrganisationView, ...]:
    # What talks to Xero is loaded only where it is asked. It logs each call, and stdout is for the result.
    from streams import logs
    from streams.opening_xero import open_xero

    logs.configure("error", found.log_format)
    assert found.xero_client_id is not None
    assert found.xero_client_secret is not None
    secret = found.xero_client_secret.get_secret_value()
    clock = SteadyClock(SystemClock())
    readings = tenants.readings(found.tenants, settings.environment())
    async with (
        open_desk(found, clock) as ledger,
        open_xero(found, found.xero_client_id, secret, clock) as xero,
    ):
        return tuple(
            [await compare(ledger, xero, clock, readings[name], name, found.xero_timeout_s) for name in files.tenants]
        )


def _effective(found: Settings) -> dict[str, str | None]:
    return {settings.variable_of(name): _text(getattr(found, name)) for name in type(found).model_fields}


def _text(value: object) -> str | None:
    if value is None or isinstance(value, SecretStr):
        return None if value is None else "********"
    return without_password(str(value))


def _print(view: Checked) -> None:
    out = console()
    for name, value in view.settings.items():
        out.print(f"{name} = {'(not set)' if value is None else value}", style="dim")
    for one in view.organisations:
        if one.name is not None and not one.problems:
            out.print(f"{one.tenant}: {one.name} in Xero has all accounts, tax rates and currencies of its file.")
    for warning in view.warnings:
        out.print(f"! {warning}", style="yellow")
    for problem in view.problems:
        indented(out, f"✗ {problem}", 0)
    if view.not_asked is not None:
        out.print(f"Xero was not asked: {view.not_asked}")
    out.print("Nothing is wrong." if view.ok else "Mend what is listed, then check again.")
