"""Bring a ledger to the tables that this release knows, or see whether it has them."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from streams.ledger.errors import LedgerRefused, LedgerUnavailable

_FOLDER: Final = Path(__file__).parent


def upgrade(connection: Connection) -> None:
    """Run what is missing, within the caller's transaction. LedgerRefused: a newer release has been here."""
    config = _config(connection)
    if not _is_current(connection, ScriptDirectory.from_config(config)):
        command.upgrade(config, "head")


def check(connection: Connection) -> None:
    """Only look. LedgerUnavailable: there are no tables of ours; LedgerRefused: they are another release's."""
    scripts = ScriptDirectory.from_config(_config(connection))
    if not inspect(connection).has_table("alembic_version"):
        raise LedgerUnavailable(
            "The database that LEDGERSTREAM_LEDGER_URL or LEDGERSTREAM_HOME names is no ledger: it has no tables of "
            "ours. Name the right one, or start `ledgerstream worker`, which makes them."
        )
    if not _is_current(connection, scripts):
        raise LedgerRefused(
            "The ledger is of an older release, and only a worker brings it up. Start `ledgerstream worker` of this "
            "release first, or ask with the release that runs."
        )


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    return config


def _is_current(connection: Connection, scripts: ScriptDirectory) -> bool:
    """Whether the tables are this release's. LedgerRefused: they are a newer one's."""
    found = MigrationContext.configure(connection).get_current_heads()
    known = {script.revision for script in scripts.walk_revisions()}
    if not known.issuperset(found):
        raise LedgerRefused(
            f"The ledger was written by a newer release (its tables are at {', '.join(sorted(found))}): run that "
            "release, or put back the backup that was made before it."
        )
    return set(found) == set(scripts.get_heads())
