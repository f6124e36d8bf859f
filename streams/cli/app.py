"""The command line: one module a verb, one way of failing.

Exit codes are a contract: 0 done, 1 looked and found something wrong, 2 the call or a setting or a file does not fit,
3 something that is needed is not there (Kafka, ledger, port), 4 refused to do it. What went wrong is one sentence
with a remedy on stderr; results are on stdout, as JSON with --json.
"""

import logging
import sys
from collections.abc import Callable
from typing import Any, Final, NoReturn

import typer
from rich.console import Console

from connectors.receiver import StartError
from connectors.xero.sandbox import SandboxError
from schemas.codec import to_json
from streams import settings
from streams.identity import WrongLedger
from streams.kafka.errors import KafkaError
from streams.ledger.errors import LedgerError, LedgerRefused, NotPossible
from streams.tenants import TenantFilesError

DONE: Final = 0
FOUND_WRONG: Final = 1
DOES_NOT_FIT: Final = 2
NOT_THERE: Final = 3
REFUSED: Final = 4

app = typer.Typer(
    name="ledgerstream",
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


_CODES: Final[dict[type[Exception], int]] = {
    settings.SettingsError: DOES_NOT_FIT,
    TenantFilesError: DOES_NOT_FIT,
    WrongLedger: REFUSED,
    NotPossible: REFUSED,
    LedgerRefused: REFUSED,
    LedgerError: NOT_THERE,
    KafkaError: NOT_THERE,
    StartError: NOT_THERE,
    SandboxError: NOT_THERE,
}


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
    except tuple(_CODES) as error:
        code = say(str(error), exit_code_of(error) or NOT_THERE)
    except Exception as error:
        code = _usage(error)
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
    return next((code for kind, code in _CODES.items() if isinstance(error, kind)), None)


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
