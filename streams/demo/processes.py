"""Real processes, started by the command line as a person would, ended with us whatever happens to us."""

import asyncio
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import aiohttp

from streams.demo import DemoFailed
from streams.kafka import tether

_LOOK_S: Final = 0.1
_READY_S: Final = 45.0
_STOP_S: Final = 12.0
_LINES_SHOWN: Final = 15


class PartFailed(DemoFailed):
    """A part ended or never became ready; the message has its last lines."""


class Part:
    """One process of the demo. What it prints goes to files: `output` (stdout) and `log` (stderr)."""

    def __init__(self, name: str, arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.output = folder / f"{name}.out"
        self.log = folder / f"{name}.log"
        self._arguments = arguments
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, once or again after it ended. A tether ends it should we be killed."""
        with self.output.open("ab") as output, self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(Path(tether.__file__)),
                command_line(),
                *self._arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=log,
                env=dict(self._environment),
                start_new_session=True,
            )

    async def stop(self) -> None:
        """Let it end in order; kill it if it does not."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    @property
    def has_ended(self) -> bool:
        """Whether it was started and runs no more."""
        return self._process is not None and self._process.returncode is not None

    def check(self) -> None:
        """Raises PartFailed if the process has ended."""
        if self._process is not None and self._process.returncode is not None:
            raise self._failed(f"ended with exit code {self._process.returncode}")

    async def first_line(self) -> str:
        """The first line that it prints on stdout. Raises PartFailed."""
        for _ in range(int(_READY_S / _LOOK_S)):
            self.check()
            line, newline, _ = self.output.read_text(encoding="utf-8").partition("\n")
            if newline:
                return line
            await asyncio.sleep(_LOOK_S)
        raise self._failed(f"said nothing for {_READY_S:g} s")

    async def ready(self, url: str) -> None:
        """Wait until `url` answers 200. Raises PartFailed."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            for _ in range(int(_READY_S / _LOOK_S)):
                self.check()
                try:
                    async with session.get(url) as response:
                        if response.status == 200:
                            return
                except (aiohttp.ClientError, TimeoutError):
                    pass
                await asyncio.sleep(_LOOK_S)
        raise self._failed(f"was not ready at {url} after {_READY_S:g} s")

    def _failed(self, what: str) -> PartFailed:
        text = self.log.read_text(encoding="utf-8", errors="replace")
        last = "\n".join(f"  {line}" for line in text.splitlines()[-_LINES_SHOWN:])
        return PartFailed(f"The {self.name} {what}. The end of {self.log}:\n{last}")


def command_line() -> str:
    """The path of `ledgerstream`, beside the Python that runs us."""
    return str(Path(sys.executable).with_name("ledgerstream"))


async def run(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str, str]:
    """Run a command to its end: exit code, stdout, stderr. `environment["PATH"]` says where it is found."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environment),
    )
    try:
        out, err = await process.communicate()
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    return process.returncode or 0, out.decode(), err.decode()


def free_port() -> int:
    """A port of the loopback interface that nobody listens on just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
