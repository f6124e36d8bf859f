"""Bring a ledger to the tables that this release knows, or see whether it has them.

Alembic takes long to load and only a step needs it, so it is loaded where there is one to take: a person's verb only
compares what the ledger says of itself with the names of the files in `versions`.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from streams.ledger.errors import LedgerRefused, LedgerUnavailable

_FOLDER: Final = Path(__file__).parent


def revisions() -> list[str]:
    """The revisions that this release knows, first to last: `0001` is the file `v0001_what_comes_in.py`."""
    return sorted(file.name[1:5] for file in (_FOLDER / "versions").glob("v????_*.py"))


def upgrade(connection: Connection) -> None:
    """Run what is missing, within the caller's transaction. LedgerRefused: a newer release has been here."""
    if _is_current(connection):
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def check(connection: Connection) -> None:
    """Only look. LedgerUnavailable: there are no tables of ours; LedgerRefused: they are another release's."""
    if not _has_tables(connection):
        raise LedgerUnavailable(
            "The database that LEDGERSTREAM_LEDGER_URL or LEDGERSTREAM_HOME names is no ledger: it has no tables of "
            "ours. Name the right one, or start `ledgerstream worker`, which makes them."
        )
    if not _is_current(connection):
        raise LedgerRefused(
            "The ledger is of an older release, and only a worker brings it up. Start `ledgerstream worker` of this "
            "release first, or ask with the release that runs."
        )


def _has_tables(connection: Connection) -> bool:
    return inspect(connection).has_table("alembic_version")


def _is_current(connection: Connection) -> bool:
    """Whether the tables are this release's. LedgerRefused: they are a newer one's."""
    known = revisions()
    found: set[str] = set()
    if _has_tables(connection):
        found.update(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())
    if not found.issubset(known):
        raise LedgerRefused(
            f"The ledger was written by a newer release (its tables are at {', '.join(sorted(found))}): run that "
            "release, or put back the backup that was made before it."
        )
    return found == {known[-1]}
