"""The statements that make the two tables, for each dialect. Running them again changes nothing but the numbers.

`position` is given by the database and is what orders the events of one aggregate where the application has no
`sequence` of its own. It begins at the moment of the installation in microseconds since 1970, and each further run
raises it to that moment: so the events of a table that was made anew, or restored from a backup, are numbered after
all that were ever sent from the one before it, and are not taken for older versions.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from connectors.outbox.address import Dialect
from connectors.outbox.tables import POLLER_SUFFIX

_POSTGRESQL: Final = (
    """\
CREATE TABLE IF NOT EXISTS {table} (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  aggregatetype varchar(255) NOT NULL,
  aggregateid varchar(255) NOT NULL,
  type varchar(255) NOT NULL,
  payload jsonb NOT NULL,
  sequence bigint,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  position bigint GENERATED ALWAYS AS IDENTITY (START WITH {start}) UNIQUE,
  attempts integer NOT NULL DEFAULT 0,
  published_at timestamptz,
  rejected_at timestamptz,
  error text
)""",
    "CREATE INDEX IF NOT EXISTS {plain}_waiting ON {table} (position) "
    "WHERE published_at IS NULL AND rejected_at IS NULL",
    "CREATE INDEX IF NOT EXISTS {plain}_rejected ON {table} (position) WHERE rejected_at IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS {plain}_published ON {table} (published_at) WHERE published_at IS NOT NULL",
    """\
SELECT setval(numbers, {start}) FROM (
  SELECT pg_get_serial_sequence('{table}', 'position')::regclass AS numbers
) AS found WHERE coalesce(pg_sequence_last_value(numbers), 0) < {start}""",
    """\
CREATE TABLE IF NOT EXISTS {poller} (
  only_row integer PRIMARY KEY CHECK (only_row = 1),
  leader varchar(255) NOT NULL DEFAULT '',
  lease_until_ms bigint NOT NULL DEFAULT 0,
  error text,
  error_at timestamptz
)""",
    "INSERT INTO {poller} (only_row) VALUES (1) ON CONFLICT DO NOTHING",
)

_MYSQL: Final = (
    """\
CREATE TABLE IF NOT EXISTS {table} (
  id char(36) NOT NULL DEFAULT (uuid()) PRIMARY KEY,
  aggregatetype varchar(255) NOT NULL,
  aggregateid varchar(255) NOT NULL,
  type varchar(255) NOT NULL,
  payload json NOT NULL,
  sequence bigint,
  created_at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  position bigint NOT NULL AUTO_INCREMENT UNIQUE,
  attempts integer NOT NULL DEFAULT 0,
  published_at timestamp(6) NULL DEFAULT NULL,
  rejected_at timestamp(6) NULL DEFAULT NULL,
  error text,
  KEY {plain}_waiting (published_at, rejected_at, position),
  KEY {plain}_rejected (rejected_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4""",
    "ALTER TABLE {table} AUTO_INCREMENT = {start}",
    """\
CREATE TABLE IF NOT EXISTS {poller} (
  only_row integer NOT NULL PRIMARY KEY,
  leader varchar(255) NOT NULL DEFAULT '',
  lease_until_ms bigint NOT NULL DEFAULT 0,
  error text,
  error_at timestamp(6) NULL DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4""",
    "INSERT IGNORE INTO {poller} (only_row) VALUES (1)",
)

_SQLITE: Final = (
    """\
CREATE TABLE IF NOT EXISTS {table} (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE DEFAULT (lower(hex(randomblob(16)))),
  aggregatetype TEXT NOT NULL,
  aggregateid TEXT NOT NULL,
  type TEXT NOT NULL,
  payload TEXT NOT NULL,
  sequence INTEGER,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  attempts INTEGER NOT NULL DEFAULT 0,
  published_at TEXT,
  rejected_at TEXT,
  error TEXT
)""",
    "CREATE INDEX IF NOT EXISTS {plain}_waiting ON {table} (position) "
    "WHERE published_at IS NULL AND rejected_at IS NULL",
    "CREATE INDEX IF NOT EXISTS {plain}_rejected ON {table} (position) WHERE rejected_at IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS {plain}_published ON {table} (published_at) WHERE published_at IS NOT NULL",
    "INSERT INTO sqlite_sequence (name, seq) SELECT '{plain}', 0 "
    "WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = '{plain}')",
    "UPDATE sqlite_sequence SET seq = {start} WHERE name = '{plain}' AND seq < {start}",
    """\
CREATE TABLE IF NOT EXISTS {poller} (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  leader TEXT NOT NULL DEFAULT '',
  lease_until_ms INTEGER NOT NULL DEFAULT 0,
  error TEXT,
  error_at TEXT
)""",
    "INSERT OR IGNORE INTO {poller} (only_row) VALUES (1)",
)

_STATEMENTS: Final[dict[Dialect, Sequence[str]]] = {
    "postgresql": _POSTGRESQL,
    "mysql": _MYSQL,
    "sqlite": _SQLITE,
}


def statements(dialect: Dialect, table: str, now: datetime) -> tuple[str, ...]:
    """What makes the outbox of this name and its poller's row, in order. A second run keeps all rows."""
    names = {
        "table": table,
        "plain": table.rpartition(".")[2],
        "poller": table + POLLER_SUFFIX,
        "start": int(now.timestamp() * 1_000_000),
    }
    return tuple(one.format(**names) for one in _STATEMENTS[dialect])
