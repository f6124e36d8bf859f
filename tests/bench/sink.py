"""sink_documents_per_core_s: documents in Xero's books for a second of processor time, from intake to settled.

The worker is a process of its own (tests/bench/sink_process.py); so is the sandbox, whose time does not count. Xero's
limits for the whole app, 10,000 calls a minute with 50 documents each, are what it is compared with.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

from tests.bench.rows import Row, measured

ORDERS: Final = 4_000
GOAL: Final = 3_000
APP_LIMIT: Final = 10_000 * 50 / 60
_TIMEOUT_S: Final = 400


def measure() -> list[Row]:
    """On SQLite; PostgreSQL's own processor time is part of the other figure."""
    with tempfile.TemporaryDirectory() as folder:
        speed = documents_per_core_s(f"sqlite:///{Path(folder) / 'ledger.db'}")
    limit = ("Xero's limit for the whole app", APP_LIMIT)
    return [measured("sink_documents_per_core_s_sqlite", speed, "documents/core-second", at_least=GOAL, limit=limit)]


def documents_per_core_s(url: str) -> float:
    """Documents that the sandbox has at the end, for a second of the worker's."""
    with _unlimited_xero() as described:
        command = [sys.executable, "-W", "ignore", "-m", "tests.bench.sink_process", url, json.dumps(described)]
        ended = subprocess.run(
            [*command, str(ORDERS)], stdout=subprocess.PIPE, text=True, timeout=_TIMEOUT_S, check=True
        )
        _calls, seconds = ended.stdout.split()
        return asyncio.run(_committed(described["admin_url"])) / float(seconds)


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
