"""One process at a time works on a SQLite ledger: a lock beside the file, which ends with the process that holds it."""

import fcntl
import os
import socket
from pathlib import Path
from typing import IO, final

from streams.ledger.errors import LedgerRefused


@final
class Claim:
    """The lock of a ledger's file. Only workers take it; the command line reads and writes beside them."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".lock")
        self._held: IO[str] | None = None

    def take(self) -> None:
        """Take the lock; LedgerRefused names the process that holds it."""
        held = self._path.open("a+")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            held.seek(0)
            holder = held.read().strip() or "another process"
            held.close()
            raise LedgerRefused(
                f"A worker is running on this ledger already ({holder}), and a SQLite ledger serves exactly one: end "
                "that worker, or put LEDGERSTREAM_LEDGER_URL to a PostgreSQL database, which serves many."
            ) from None
        held.truncate(0)
        held.write(f"process {os.getpid()} on {socket.gethostname()}")
        held.flush()
        self._held = held

    def release(self) -> None:
        """Let another process take it."""
        if self._held is not None:
            self._held.close()
            self._held = None
