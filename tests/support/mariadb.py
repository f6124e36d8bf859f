"""A MariaDB server of the tests' own, as `tests.support.postgres` has one of PostgreSQL.

It keeps the settings of production, listens on loopback alone, and its data is in a temporary folder.
"""

import asyncio
import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiomysql

from streams.kafka import tether
from tests.support.postgres import free_port

USER = "ledgerstream"
PASSWORD = "hush-hush"
_READY_S = 30.0
_STOP_S = 20.0


class MariaDbServer:
    """`start`, `stop` and `restart` block. A database's URL is given by `new_database`."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="ledgerstream-mariadb-"))
        self._data = self._folder / "data"
        self._log = self._folder / "server.log"
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        # The server refuses to run as root unless it is told to; its own user comes with Debian's package.
        self._user = "mysql" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.port = 0

    def start(self) -> None:
        """Make an empty server and start it on a free port."""
        self._log.touch()
        shutil.chown(self._folder, self._user)
        made = subprocess.run(
            [
                *(_program("mariadb-install-db"), "--no-defaults", f"--datadir={self._data}", f"--user={self._user}"),
                *("--auth-root-authentication-method=normal", "--skip-test-db"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stdout + made.stderr
        self.port = free_port()
        self._launch()
        self._sql(f"CREATE USER {USER}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'")

    def stop(self) -> None:
        """Stop at once, and remove the data."""
        self._end(signal.SIGKILL)
        shutil.rmtree(self._folder, ignore_errors=True)

    def restart(self, *, crash: bool = False) -> None:
        """Stop and start again on the same port; with `crash` as when the machine loses its power."""
        self._end(signal.SIGKILL if crash else signal.SIGTERM)
        self._launch()

    def new_database(self) -> str:
        """A database of its own; its URL."""
        name = f"t{next(self._numbers)}"
        self._sql(f"CREATE DATABASE {name}")
        self._sql(f"GRANT ALL ON {name}.* TO {USER}@'127.0.0.1'")
        return f"mysql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{name}"

    def _sql(self, statement: str) -> None:
        asyncio.run(self._run(statement))

    async def _run(self, statement: str) -> None:
        connection: Any = await aiomysql.connect(host="127.0.0.1", port=self.port, user="root", connect_timeout=2)
        try:
            cursor = await connection.cursor()
            await cursor.execute(statement)
        finally:
            connection.close()

    def _launch(self) -> None:
        options = (f"--datadir={self._data}", f"--port={self.port}", f"--socket={self._folder}/server.sock")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", tether.__file__, _program("mariadbd"), "--no-defaults", *options),
                    *("--bind-address=127.0.0.1", f"--user={self._user}", f"--pid-file={self._folder}/server.pid"),
                ],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + _READY_S
        while time.monotonic() < until and self._process.poll() is None:
            with contextlib.suppress(OSError, aiomysql.MySQLError):
                self._sql("SELECT 1")
                return
            time.sleep(0.05)
        self._end(signal.SIGKILL)
        raise AssertionError(f"MariaDB did not start:\n{self._log.read_text(errors='replace')[-2000:]}")

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # The server is a child of the tether, which ends with it.
            os.kill(int((self._folder / "server.pid").read_text()), how)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdin is not None:
            process.stdin.close()


def _program(name: str) -> str:
    # Debian keeps the server's programs off the path.
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    assert found, f"{name} is not installed: run deploy/ensure-tools mariadb"
    return found
