"""What an error of a database means: are the rows at fault, was another transaction quicker, or is the database away?

The rest of the ledger asks these questions and never looks into a driver's errors itself.
"""

import errno
import sqlite3
from typing import Final

import asyncpg
from sqlalchemy.engine import URL
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from connectors.addresses import without_password
from streams.ledger.errors import LedgerUnavailable

# Everything that a driver or the pool raises.
DRIVER_ERRORS: Final = (
    DBAPIError,
    PoolExhausted,
    OSError,
    sqlite3.Error,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
)

# What a constraint refuses may be the row's own fault, or that another transaction changed it since it was read:
# unique_violation, check_violation.
_REFUSED: Final = ("23505", "23514")
# serialization_failure, deadlock_detected.
_CONFLICTS: Final = ("40001", "40P01")
# Connection exceptions; too many connections; a server that ends, starts or was demoted to a standby; a session that
# was ended because its process had stood still within a transaction.
_AWAY: Final = ("08", "53300", "57P", "25006", "25P03")

# lock_not_available.
_HELD: Final = "55P03"

_REMEDIES: Final = {
    "3D000": "Make it with `createdb`, or correct LEDGERSTREAM_LEDGER_URL.",
    "28": "Correct user and password in LEDGERSTREAM_LEDGER_URL, or let the server's pg_hba.conf admit them.",
    "42501": "Grant this user the right to make tables: GRANT CREATE ON SCHEMA public TO its name.",
    "53100": "The disk is full: free some space there. Nothing was lost, and the worker goes on from where it was.",
    "53300": "Raise max_connections of the server (a worker takes up to 13, a receiver as many), or run fewer.",
    _HELD: "Another session holds what was asked for: see pg_stat_activity for the one that does not end.",
    "57014": "The server took too long: see that it is not overloaded, and that autovacuum runs.",
}


def sqlstate(error: BaseException) -> str:
    """PostgreSQL's five letters for an error; empty for any other."""
    for one in (error, getattr(error, "orig", None)):
        state = getattr(one, "sqlstate", None)
        if isinstance(state, str):
            return state
    return ""


def is_data_fault(error: BaseException) -> bool:
    """Whether the rows are at fault and not the database: it would fail again, however often it is tried."""
    if isinstance(error, IntegrityError | DataError | OverflowError | UnicodeError):
        return True
    if isinstance(error, StatementError) and not isinstance(error, DBAPIError):
        return True
    # SQLSTATE classes 22 (data exception, such as U+0000 in text) and 23 (integrity).
    return sqlstate(error).startswith(("22", "23"))


def is_conflict(error: BaseException) -> bool:
    """Whether another transaction was quicker: the same work, begun anew, sees what that one did."""
    return sqlstate(error) in (*_CONFLICTS, *_REFUSED)


def is_away(error: BaseException) -> bool:
    """Whether the connection to the server broke, or none could be had: another one may do, a moment later."""
    if sqlstate(error):
        return sqlstate(error).startswith(_AWAY)
    if isinstance(error, DBAPIError):
        return error.connection_invalidated
    return isinstance(error, asyncpg.InterfaceError | ConnectionError | TimeoutError)


def is_held(error: BaseException) -> bool:
    """Whether somebody held a lock on PostgreSQL for longer than it was waited for. A process that stands still loses
    its transactions one after another, the next one only when it has got the lock, so that may take more than one
    wait."""
    return sqlstate(error) == _HELD


def unavailable(error: BaseException, url: URL) -> LedgerUnavailable:
    """The error as a sentence with a remedy."""
    sqlite = url.get_backend_name() == "sqlite"
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    where = url.database if sqlite else without_password(address)
    words = str(getattr(error, "orig", None) or error) or type(error).__name__
    # SQLAlchemy's adapter puts the class of the driver's error before its words.
    words = words.split(">: ", 1)[1] if words.startswith("<class ") else words
    remedy = _sqlite_remedy(error, words.lower()) if sqlite else _postgres_remedy(error)
    return LedgerUnavailable(f"The ledger at {where} cannot be used: {words}. {remedy}")


def _sqlite_remedy(error: BaseException, words: str) -> str:
    if "full" in words or getattr(error, "errno", None) == errno.ENOSPC:
        return _REMEDIES["53100"]
    if "locked" in words or "busy" in words:
        return "Another process holds it: end that process, or wait until it is done."
    if "readonly" in words or "permission" in words or "unable to open" in words:
        return "Make the file and its folder writable for this user, or set LEDGERSTREAM_LEDGER_URL to another place."
    if "malformed" in words or "not a database" in words:
        return "The file is damaged: put back the last backup of it and start again, or name another file."
    return "Make sure that the file and its folder can be written, then start again."


def _postgres_remedy(error: BaseException) -> str:
    state = sqlstate(error)
    for known, remedy in _REMEDIES.items():
        if state.startswith(known):
            return remedy
    return "See that the database runs and can be reached at that address, then start again."
