"""What an error of a company's database means, as one sentence with a remedy, without its password."""

import sqlite3
from typing import Final

import asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from connectors.addresses import MASK
from connectors.outbox.address import without_driver
from connectors.outbox.errors import OutboxUnavailable

# Everything that a driver or the pool raises.
DRIVER_ERRORS: Final = (
    SQLAlchemyError,
    OSError,
    sqlite3.Error,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # Text that is not in the encoding that the database claims.
    UnicodeError,
)

_INSTALL: Final = "run `ledgerstream outbox install SOURCE`"
_GRANT: Final = "grant it SELECT, UPDATE and DELETE on the outbox and SELECT and UPDATE on the poller's table"
_LOCKED: Final = "the application holds a lock of the database: see that its transactions end; the rows wait"
# By PostgreSQL's SQLSTATE, MySQL's error number, or a part of SQLite's words.
_REMEDIES: Final = {
    "42P01": _INSTALL,
    "3F000": _INSTALL,
    "1146": _INSTALL,
    "no such table": _INSTALL,
    "42703": f"a column is missing; {_INSTALL} and compare",
    "1054": f"a column is missing; {_INSTALL} and compare",
    "no such column": f"a column is missing; {_INSTALL} and compare",
    "42501": _GRANT,
    "1142": _GRANT,
    "1044": "let this user into the database, or correct the address",
    "1045": "correct user and password in the address",
    "28": "correct user and password in the address, or let the server's pg_hba.conf admit them",
    "3D000": "correct the database's name in the address",
    "1049": "correct the database's name in the address",
    "unable to open": "correct the file's path in the address, or its rights",
    "55P03": _LOCKED,
    "1205": _LOCKED,
    "database is locked": _LOCKED,
    "readonly": "let this process write to the file and its folder",
}
_AWAY: Final = "see that the database runs and that its address is right; the rows wait"


def unavailable(error: BaseException, url: str) -> OutboxUnavailable:
    """The error in words for people. `url` is needed for what must not be said and for where it is."""
    parsed = make_url(without_driver(url))
    cause = getattr(error, "orig", None) or error
    said = " ".join(str(cause).split()) or type(cause).__name__
    for password in filter(None, (parsed.password, parsed.query.get("password"))):
        said = said.replace(str(password), MASK)
    where = parsed.database if parsed.get_backend_name() == "sqlite" else f"{parsed.host}/{parsed.database}"
    return OutboxUnavailable(f"{where}: {said[:300]}: {_remedy(cause, said)}.")


def _remedy(cause: BaseException, said: str) -> str:
    state = _code(cause)
    for sign, remedy in _REMEDIES.items():
        if (state and state.startswith(sign)) or (" " in sign and sign in said) or (not state and sign in said):
            return remedy
    return _AWAY


def _code(cause: BaseException) -> str:
    """MySQL's number or PostgreSQL's five letters; empty for anything else."""
    for one in (cause, cause.__cause__):
        number = one.args[0] if one is not None and one.args else None
        if isinstance(number, int) and not isinstance(one, OSError):
            return str(number)
        state = getattr(one, "sqlstate", None)
        if isinstance(state, str):
            return state
    return ""
