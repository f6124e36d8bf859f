"""sink_documents_per_core_s: documents in Xero's books for a second of processor time, from intake to settled.

The worker is a process of its own (tests/bench/sink_process.py), and PostgreSQL's server with all its processes counts
as well; so is the sandbox, whose time does not count. Xero's limits for the whole app, 10,000 calls a minute with 50
documents each, are what it is compared with.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import aiohttp

from tests.bench import machine
from tests.bench.rows import Row, measured
from tests.support.postgres import PostgresServer

ORDERS: Final = 2_000
GOAL: Final = 3_000
APP_LIMIT: Final = 10_000 * 50 / 60


def measure() -> list[Row]:
    """On PostgreSQL, and on SQLite, which runs within the worker."""
    limit = ("Xero's limit for the whole app", APP_LIMIT)
    unit = "documents/core-second"
    with tempfile.TemporaryDirectory() as folder:
        sqlite = documents_per_core_s(f"sqlite:///{Path(folder) / 'ledger.db'}", lambda: 0.0)
    server = PostgresServer()
    server.start()
    try:
        postgresql = documents_per_core_s(server.new_database(), partial(machine.family_seconds, _postmaster(server)))
    finally:
        server.stop()
    return [
        measured("sink_documents_per_core_s", postgresql, unit, at_least=GOAL, limit=limit),
        measured("sink_documents_per_core_s_sqlite", sqlite, unit, limit=limit),
    ]


def documents_per_core_s(url: str, server_s: Callable[[], float]) -> float:
    """Documents that the sandbox has at the end, for a second of the worker's and of the database server's."""
    with _unlimited_xero() as described:
        command = [sys.executable, "-W", "ignore", "-m", "tests.bench.sink_process", url, json.dumps(described)]
        with subprocess.Popen([*command, str(ORDERS)], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            before_s = server_s()
            took_s = float(process.stdout.readline())
            took_s += server_s() - before_s
        return asyncio.run(_committed(described["admin_url"])) / took_s


def _postmaster(server: PostgresServer) -> int:
    [[folder]] = server.sql("SHOW data_directory")
    return int((Path(str(folder)) / "postmaster.pid").read_text().split()[0])


@contextmanager
def _unlimited_xero() -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.bench.unlimited_xero"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


async def _committed(admin_url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"{admin_url}/calls") as response:
        return sum(call["committed"] for call in (await response.json())["calls"])
