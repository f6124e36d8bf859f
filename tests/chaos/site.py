"""One ledger with everything around it: topics, sandbox, receiver and workers. Some rounds are played on each."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from streams.kafka import topics
from streams.ledger import Ledger, open_as_it_is
from streams.ledger.errors import LedgerError
from tests.chaos.environment import environment
from tests.chaos.letters import Letters
from tests.chaos.log import Log
from tests.chaos.processes import Child, Kept
from tests.chaos.rig import Rig
from tests.chaos.senders import Senders, senders


@dataclass(slots=True)
class Site:
    """`settings` are those that the next process starts with; `xero` is what the sandbox says about itself."""

    rig: Rig
    name: str
    folder: Path
    settings: dict[str, str]
    xero: Mapping[str, Any]
    session: aiohttp.ClientSession
    log: Log
    letters: Letters
    receiver: Kept
    workers: list[Kept]
    senders: Senders | None = None
    _ledger: Ledger | None = None

    @property
    def admin(self) -> str:
        """The sandbox's admin surface."""
        return str(self.xero["admin_url"])

    @property
    def timeout_s(self) -> float:
        """How long a worker waits for Xero."""
        return float(self.settings["LEDGERSTREAM_XERO_TIMEOUT_S"])

    @property
    def processes(self) -> list[Kept]:
        return [self.receiver, *self.workers]

    async def ask_xero(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """A request to the admin surface."""
        async with self.session.request(method, self.admin + path, json=body) as response:
            response.raise_for_status()
            return await response.json()

    async def ledgerstream(self, *words: str) -> tuple[int, str]:
        """A verb of the command line against this site: exit code and everything that it said."""
        log = self.folder / "typed.log"
        log.write_bytes(b"")
        child = await self.rig.nursery.bear("ledgerstream", words, self.settings, log)
        code = await child.code
        return code, log.read_text(errors="replace")

    async def last_call(self) -> int | None:
        """The number of the last call that any worker has written ahead; None while the ledger cannot be asked."""
        with contextlib.suppress(LedgerError):
            if self._ledger is None:
                self._ledger = await open_as_it_is(self.settings["LEDGERSTREAM_LEDGER_URL"], self.rig.hand)
            return (await self._ledger.identity.read()).highest_call
        return None

    async def close_ledger(self) -> None:
        """Close what `last_call` has opened."""
        if self._ledger is not None:
            await self._ledger.close()
            self._ledger = None

    async def wait_with(self, timeout_s: float) -> None:
        """Let all workers wait for Xero for so long from now on."""
        if self.timeout_s != timeout_s:
            self.settings["LEDGERSTREAM_XERO_TIMEOUT_S"] = f"{timeout_s:g}"
            for worker in self.workers:
                worker.order_end(signal.SIGTERM, rest_s=0.0)


@asynccontextmanager
async def site(rig: Rig, name: str, *, plant: str = "") -> AsyncIterator[Site]:
    """A new ledger, new topics, new books. `plant`: a fault that every worker has (see `plants`)."""
    folder = rig.folder / name
    folder.mkdir()
    prefix = f"{name}."
    bootstrap = rig.broker.bootstrap
    async with contextlib.AsyncExitStack() as stack:
        await topics.ensure(bootstrap, prefix)
        sandbox = await rig.nursery.bear("sandbox", [str(rig.clock)], dict(os.environ), folder / "sandbox.log")
        stack.push_async_callback(sandbox.end)
        xero = json.loads(await _first_line(folder / "sandbox.log"))
        settings = environment(rig, folder, prefix, await rig.new_ledger(folder), xero)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        log = Log(folder / "senders.log")
        stack.callback(log.close)
        letters = Letters(bootstrap, f"{prefix}dead-letters")
        stack.push_async_callback(letters.stop)
        receiver = Kept("receiver", _birth(rig, folder, settings, "receiver"))
        options = ["--plant", plant] if plant else []
        workers = [
            Kept(f"worker {number}", _birth(rig, folder, settings, "worker", *options)) for number in range(rig.workers)
        ]
        here = Site(rig, name, folder, settings, xero, session, log, letters, receiver, workers)
        stack.push_async_callback(here.close_ledger)
        for process in here.processes:
            process.start()
            stack.push_async_callback(process.stop)
        address = f"http://127.0.0.1:{settings['LEDGERSTREAM_RECEIVER_PORT']}"
        here.senders = await stack.enter_async_context(
            senders(address, bootstrap, prefix, log, lambda: rig.hand.now().timestamp())
        )
        yield here


def _birth(
    rig: Rig, folder: Path, settings: Mapping[str, str], entry: str, *options: str
) -> Callable[[Sequence[str]], Awaitable[Child]]:
    """How a process of this site is born, with the settings of that moment."""

    async def bear(more: Sequence[str]) -> Child:
        return await rig.nursery.bear(entry, [str(rig.clock), *options, *more], settings, folder / f"{entry}.log")

    return bear


async def _first_line(file: Path) -> str:
    while True:
        with contextlib.suppress(FileNotFoundError):
            line, newline, _ = file.read_text().partition("\n")
            if newline:
                return line
        await asyncio.sleep(0.02)
