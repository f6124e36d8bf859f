"""drain_vs_sdk_loop, and whether virtual time flatters: three real minutes, beside each other on two sandboxes.

A sender with the same backlog, whose documents are compared with those of the first three virtual minutes; and a loop
over xero-python. Both wait for Xero nearly all the time, so neither takes anything from the other.
"""

import asyncio
import datetime as dt
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

from streams.clock import SystemClock
from streams.core.after import Patience
from streams.ledger import open_ledger
from streams.sender.gate import open_gate
from tests.bench import feed
from tests.bench.backlog import backlog, drained
from tests.bench.rows import Row, compared
from tests.integration.sender.world import built, one_organisation

SECONDS: Final = 180.0
MEDIAN_S: Final = 0.5
# More than three minutes take.
_ORDERS: Final = 4_500


def measure() -> list[Row]:
    """Documents a minute against the loop's, and real against virtual."""
    with _xero() as ours, _xero() as theirs:
        loop = _loop(theirs)
        try:
            real = asyncio.run(_documents(ours))
            said, _ = loop.communicate(timeout=SECONDS)
        finally:
            loop.kill()
            loop.wait()
    documents, seconds = said.split()
    virtual = drained(MEDIAN_S)
    unit = "documents/min"
    return [
        compared(
            "drain_vs_sdk_loop", virtual.documents / virtual.minutes, unit,
            "xero-python loop, extrapolated", float(documents) / float(seconds) * 60, at_least=45,
        ),
        compared(
            "real_vs_virtual_minutes", real / (SECONDS / 60), unit,
            "the same in virtual time", virtual.documents_within(SECONDS) / (SECONDS / 60), at_least=0.97,
        ),
    ]  # fmt: skip


@contextmanager
def _xero() -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.bench.slow_xero", str(MEDIAN_S)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def _loop(described: dict[str, Any]) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "ignore", "-m", "tests.bench.sdk_loop", json.dumps(described), str(SECONDS)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def _documents(described: dict[str, Any]) -> int:
    """What is in the books three minutes after the first call came."""
    clock = SystemClock()
    given = tuple(described[name] for name in ("api_url", "identity_url", "client_id", "client_secret"))
    tenant_id = described["organisations"][0]["tenant_id"]
    with tempfile.TemporaryDirectory() as folder:
        ledger = await open_ledger(f"sqlite:///{Path(folder) / 'ledger.db'}", clock)
        await feed.take_in(ledger, feed.translated(backlog(_ORDERS)))
        async with built(given, one_organisation(tenant_id), ledger, Patience(), open_gate, clock) as (sender, _counts):
            running = asyncio.create_task(sender.run())
            await asyncio.sleep(SECONDS + 2)
            await sender.stop()
            await running
        await ledger.close()
    async with aiohttp.ClientSession() as session, session.get(f"{described['admin_url']}/calls") as response:
        calls = (await response.json())["calls"]
    until = _moment(calls[0]["at"]) + dt.timedelta(seconds=SECONDS)
    return sum(call["committed"] for call in calls if _moment(call["at"]) < until)


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)
