"""The processes of a run as the harness holds them: born in the nursery, kept alive as an orchestrator would."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_REST_S: Final = 0.3
_STOP_S: Final = 20.0


@dataclass(slots=True)
class Child:
    """One process. `code` is its exit code once it has ended, -9 for a kill."""

    pid: int
    code: "asyncio.Future[int]"

    def signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if not self.code.done():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def end(self) -> int:
        """Let it end in order; kill it if it does not within 20 s."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        done, _ = await asyncio.wait({self.code}, timeout=_STOP_S)
        if not done:
            self.signal(signal.SIGKILL)
        return await self.code


class Nursery:
    """The process from which all others are forked (see `tests.chaos.nursery`)."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._number = 0
        self._born: dict[int, asyncio.Future[Child]] = {}
        self._codes: dict[int, asyncio.Future[int]] = {}

    async def start(self) -> None:
        """Start it; the first birth waits for its imports."""
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(self._cache)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.chaos.nursery",
            cwd=ROOT,
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Signals to a whole group of processes reach us alone; the nursery goes by its stdin.
            start_new_session=True,
        )
        self._reader = asyncio.create_task(self._read(self._process))

    async def bear(self, entry: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Child:
        """A new process; its output is added to `log`."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._number += 1
        order = {
            "number": self._number,
            "entry": entry,
            "arguments": list(arguments),
            "environment": dict(environment),
            "log": str(log),
        }
        born: asyncio.Future[Child] = asyncio.get_running_loop().create_future()
        self._born[self._number] = born
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        await self._process.stdin.drain()
        return await born

    async def stop(self) -> None:
        """End it, and everything that was born there."""
        if self._process is None or self._reader is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        await self._reader

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        loop = asyncio.get_running_loop()
        async for line in process.stdout:
            fact = json.loads(line)
            if "order" in fact:
                code: asyncio.Future[int] = loop.create_future()
                self._codes[fact["pid"]] = code
                # Both together: it may have ended before whoever waits for its birth is told.
                self._born.pop(fact["order"]).set_result(Child(fact["pid"], code))
            else:
                self._codes.pop(fact["pid"]).set_result(fact["code"])
        unanswered: list[asyncio.Future[Child] | asyncio.Future[int]] = [*self._born.values(), *self._codes.values()]
        for waiting in unanswered:
            if not waiting.done():
                waiting.set_exception(ChildProcessError("the nursery has ended: see its traceback above"))
                waiting.exception()


@dataclass(slots=True)
class Kept:
    """A process that is started again whenever it ends, as an orchestrator does.

    `bear` starts one with the arguments that it is given. `ends` counts exit codes of ends that nobody ordered.
    """

    name: str
    bear: Callable[[Sequence[str]], Awaitable[Child]]
    ends: Counter[int] = field(default_factory=Counter)
    child: Child | None = None
    _next: list[str] = field(default_factory=list)
    _rest_s: float = _REST_S
    _ordered: bool = False
    _keeping: "asyncio.Task[None] | None" = None

    def start(self) -> None:
        """Keep it alive from now on."""
        self._keeping = asyncio.create_task(self._keep())

    async def stop(self) -> int | None:
        """Let it end, and keep it no longer; its exit code."""
        if self._keeping is None:
            return None
        self._keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._keeping
        self._keeping = None
        return None if self.child is None else await self.child.end()

    def order_end(self, number: int, *next_arguments: str, rest_s: float = _REST_S) -> None:
        """Send SIGKILL or SIGTERM; the next one is started after `rest_s`, with these arguments."""
        if self.child is not None and not self.child.code.done():
            self._ordered, self._next, self._rest_s = True, list(next_arguments), rest_s
            self.child.signal(number)
            # A suspended process does not notice a request to end.
            self.child.signal(signal.SIGCONT)

    def signal(self, number: int) -> None:
        """SIGSTOP and SIGCONT."""
        if self.child is not None:
            self.child.signal(number)

    async def _keep(self) -> None:
        while True:
            arguments, self._next, self._ordered = self._next, [], False
            self.child = await self.bear(arguments)
            armed = bool(arguments)
            code = await asyncio.shield(self.child.code)
            if not self._ordered and not (armed and code == -signal.SIGKILL):
                self.ends[code] += 1
            rest_s, self._rest_s = self._rest_s, _REST_S
            await asyncio.sleep(rest_s)
