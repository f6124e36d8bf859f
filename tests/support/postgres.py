"""A PostgreSQL server of the tests' own: started when a test first asks for it, gone with the process that started it.

It keeps the settings of production (fsync, full page writes), listens on loopback alone, and its data is in a
temporary folder. PostgreSQL refuses to run as root, so root lends it the user of Debian's package.
"""

import asyncio
import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import asyncpg

from streams.kafka import tether

USER = "ledgerstream"
_DEBIAN = Path("/usr/lib/postgresql")
_LENT = ("postgres", "nobody")
_READY_S = 30.0
_STOP_S = 20.0


class PostgresServer:
    """`start`, `stop` and `restart` block. A database's URL is given by `new_database`."""

    def __init__(self) -> None:
        self._as_user = _lent_user()
        self._folder = Path(tempfile.mkdtemp(prefix="ledgerstream-postgres-"))
        self._data = self._folder / "data"
        self._log = self._folder / "server.log"
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def start(self) -> None:
        """Make an empty cluster and start it on a free port."""
        self._log.touch()
        if self._as_user:
            user = pwd.getpwnam(self._as_user)
            os.chown(self._folder, user.pw_uid, user.pw_gid)
        made = subprocess.run(
            self._command("initdb", "-D", str(self._data), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "-N"),
            capture_output=True,
            text=True,
            cwd=self._folder,
            check=False,
        )
        assert made.returncode == 0, made.stdout + made.stderr
        self.port = free_port()
        self._launch()

    def stop(self) -> None:
        """Stop at once, and remove the data."""
        self._end(signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def restart(self, *, crash: bool = False, away_s: float = 0.0) -> None:
        """Stop and start again on the same port; with `crash` as when the machine loses its power."""
        self._end(signal.SIGQUIT if crash else signal.SIGINT)
        time.sleep(away_s)
        self._launch()

    def url(self, database: str) -> str:
        """The address of a database, as LEDGERSTREAM_LEDGER_URL takes it."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def new_database(self, template: str = "template1") -> str:
        """A database of its own, copied from another one; its URL."""
        name = f"t{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def sql(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """What one statement gives. Not for use where an event loop runs: there, `query`."""
        return asyncio.run(query(self.url(database), statement))

    def _command(self, program: str, *arguments: str) -> list[str]:
        lend = ["setpriv", f"--reuid={self._as_user}", f"--regid={self._as_user}", "--init-groups"]
        return [*(lend if self._as_user else []), str(binary(program)), *arguments]

    def _launch(self) -> None:
        options = ("listen_addresses=127.0.0.1", f"unix_socket_directories={self._folder}", "log_min_messages=log")
        settings = [part for option in options for part in ("-c", option)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", tether.__file__),
                    *self._command("postgres", "-D", str(self._data), "-p", str(self.port), *settings),
                ],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                # A session of its own: Ctrl-C in a terminal reaches us alone, and we stop the server in order.
                start_new_session=True,
            )
        self._wait_ready(self._process)

    def _wait_ready(self, process: "subprocess.Popen[bytes]") -> None:
        until = time.monotonic() + _READY_S
        while time.monotonic() < until and process.poll() is None:
            with contextlib.suppress(OSError, asyncpg.PostgresError):
                self.sql("SELECT 1")
                return
            time.sleep(0.05)
        self._end(signal.SIGQUIT)
        raise AssertionError(f"PostgreSQL did not start:\n{self._log.read_text(errors='replace')[-2000:]}")

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # The server is a child of the tether, which ends with it.
            os.kill(int((self._data / "postmaster.pid").read_text().split()[0]), how)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdin is not None:
            process.stdin.close()


async def query(url: str, statement: str, *values: object) -> list[tuple[object, ...]]:
    """What one statement gives, over a connection of its own; `values` are its $1, $2 and so on."""
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(statement, *values)]
    finally:
        await connection.close()


def binary(program: str) -> Path:
    """A program of the server: on the path, else where Debian keeps them, the newest release first."""
    found = shutil.which(program)
    candidates: Sequence[Path] = [Path(found)] if found else []
    if not candidates:
        releases = sorted(_DEBIAN.glob("*"), key=lambda one: float(one.name), reverse=True)
        candidates = [one / "bin" / program for one in releases if (one / "bin" / program).exists()]
    assert candidates, f"{program} is not installed: run deploy/ensure-tools postgres"
    return candidates[0]


def _lent_user() -> str:
    """Whom the server runs as, for root; empty for everybody else, who is that person."""
    if os.geteuid() != 0:
        return ""
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in _LENT if name in known)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
