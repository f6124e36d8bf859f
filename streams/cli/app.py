"""The command line: one module a verb, one way of failing.

Exit codes are a contract: 0 done, 1 looked and found something wrong, 2 the call or a setting or a file does not fit,
3 something that is needed is not there (Kafka, ledger, port), 4 refused to do it. What went wrong is one sentence
with a remedy on stderr; results are on stdout, as JSON with --json.
"""

import logging
import sys
from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Final, NoReturn

import typer
from rich.console import Console
from typer.core import TyperGroup

from schemas.codec import to_json

DONE: Final = 0
FOUND_WRONG: Final = 1
DOES_NOT_FIT: Final = 2
NOT_THERE: Final = 3
REFUSED: Final = 4

# Each verb and the module that registers it, which is loaded only when the verb is called: who looks at a dead letter
# must not wait for Faust and Stripe.
VERBS: Final = {
    name: f"streams.cli.{module}"
    for module, names in {
        "demo": ("demo",),
        "worker": ("worker",),
        "receiver": ("receiver",),
        "sandbox": ("sandbox",),
        "kafka": ("kafka",),
        "topics": ("topics",),
        "check": ("check",),
        "sources": ("sources",),
        "trace": ("trace",),
        "audit": ("audit",),
        "ask": ("ask",),
        "dlq": ("dlq",),
        "stops": ("pause", "resume", "stops"),
        "outbox": ("outbox",),
        "resync": ("resync",),
    }.items()
    for name in names
}


class _Verbs(TyperGroup):
    """The root: it knows the names of all verbs, and loads those that are asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in VERBS:
            return None
        import_module(VERBS[cmd_name])
        return typer.main.get_group(app).commands[cmd_name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        near = get_close_matches(args[0], VERBS, 1)
        if near and args[0] not in VERBS:
            ctx.fail(f"No such command '{args[0]}'. Did you mean '{near[0]}'?")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="ledgerstream",
    cls=_Verbs,
    help="Business events into Xero: exactly once, to the penny, at the pace that Xero allows.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
out = Console(highlight=False, soft_wrap=True)
progress = Console(stderr=True, highlight=False, soft_wrap=True)


class Failed(Exception):
    """A verb ends without success: `message` says why and what to do."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


# By name, because who raises such an error has loaded its class, and nobody else needs to.
CODES: Final = {
    "streams.settings.SettingsError": DOES_NOT_FIT,
    "streams.tenants.TenantFilesError": DOES_NOT_FIT,
    "streams.identity.WrongLedger": REFUSED,
    "streams.ledger.errors.NotPossible": REFUSED,
    "streams.ledger.errors.LedgerRefused": REFUSED,
    "streams.ledger.errors.LedgerError": NOT_THERE,
    "streams.kafka.errors.KafkaError": NOT_THERE,
    "connectors.outbox.errors.OutboxUnavailable": NOT_THERE,
    "connectors.receiver.server.StartError": NOT_THERE,
    "connectors.xero.sandbox.problems.SandboxError": NOT_THERE,
}


@app.callback()
def _root() -> None:
    """Typer makes a group of an app that has a callback, before any verb is loaded."""


def main() -> NoReturn:
    """The entry point: runs the verb and turns what it raises into a sentence and an exit code."""
    # What a library logs about an error is told by the error's own sentence; long-running verbs set up real logs.
    logging.basicConfig(level=logging.CRITICAL)
    try:
        code = app(standalone_mode=False)
    except Failed as error:
        code = say(str(error), error.code)
    except typer.Exit as error:
        code = error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        code = 130
    except Exception as error:
        known = exit_code_of(error)
        code = _usage(error) if known is None else say(str(error), known)
    sys.exit(code or DONE)


def _usage(error: Exception) -> int:
    # typer's own errors (a wrong option) know how to show themselves; anything else is a bug and keeps its traceback.
    show = getattr(error, "show", None)
    if show is None:
        raise error
    show()
    return DOES_NOT_FIT


def exit_code_of(error: Exception) -> int | None:
    """The exit code of an error that is a sentence for people; None for a bug."""
    names = (f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__)
    return next((CODES[name] for name in names if name in CODES), None)


def say(message: str, code: int) -> int:
    """Tell people why, on stderr; gives the code back."""
    progress.print(message, style="red", markup=False)
    return code


def print_json(value: Any) -> None:
    """One JSON document on stdout: the contract of --json."""
    sys.stdout.write(to_json(value).decode() + "\n")
    sys.stdout.flush()


def show(value: Any, *, as_json: bool, people: Callable[[Any], None]) -> None:
    """A verb's result: as JSON, or by the function that shows it to people."""
    if as_json:
        print_json(value)
    else:
        people(value)
