"""Bring a ledger to the tables that this release knows."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from streams.ledger.errors import LedgerRefused

_FOLDER: Final = Path(__file__).parent


def upgrade(connection: Connection) -> None:
    """Run what is missing, within the caller's transaction. LedgerRefused: a newer release has been here."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    found = MigrationContext.configure(connection).get_current_heads()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if not known.issuperset(found):
        raise LedgerRefused(
            f"The ledger was written by a newer release (its tables are at {', '.join(sorted(found))}): run that "
            "release, or put back the backup that was made before it."
        )
    if set(found) != set(ScriptDirectory.from_config(config).get_heads()):
        command.upgrade(config, "head")
