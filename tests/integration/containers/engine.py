"""A container engine for the tests: the one that answers here, else one of our own that ends with the run.

Our own (Debian's docker.io) listens on a socket of its own and reaches no registry of images, so what it starts from is
made on this machine by deploy/base-images and kept with the local Kafka's jars.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from streams.kafka import tether
from tests.conftest import HOME

ROOT: Final = Path(__file__).resolve().parents[3]
KEPT: Final = HOME / "containers"
_READY_S: Final = 60.0
_INSTALL: Final = (
    "The container tests need a container engine: start Docker, or install docker.io, docker-compose and debootstrap "
    "(Debian and Ubuntu: apt-get install docker.io docker-compose debootstrap) and run as root"
)


def answers() -> bool:
    """Whether the engine that DOCKER_HOST means answers."""
    try:
        asked = subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False)
    except FileNotFoundError:
        return False
    return asked.returncode == 0 and b"Cannot connect" not in asked.stderr


@contextmanager
def own(scratch: Path) -> Iterator[str]:
    """An engine of our own, as the DOCKER_HOST to give its clients. Waits for another run's, whose images it shares."""
    dockerd = shutil.which("dockerd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if dockerd is None or shutil.which("docker") is None or os.geteuid() != 0:
        pytest.fail(_INSTALL, pytrace=False)
    KEPT.mkdir(parents=True, exist_ok=True)
    address = f"unix://{scratch}/docker.sock"
    places = {"host": address, "data-root": KEPT / "engine", "exec-root": scratch / "exec", "pidfile": scratch / "pid"}
    command = [dockerd, *(f"--{name}={place}" for name, place in places.items())]
    with (KEPT / "lock").open("w") as lock, (scratch / "dockerd.log").open("wb") as log:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", tether.__file__, *command], stdin=subprocess.PIPE, stdout=log, stderr=log
        )
        assert process.stdin is not None
        try:
            _wait(process, address, scratch / "dockerd.log")
            yield address
        finally:
            process.stdin.close()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    end = time.monotonic() + _READY_S
    while subprocess.run(["docker", "--host", address, "version"], capture_output=True, check=False).returncode:
        if process.poll() is not None or time.monotonic() > end:
            pytest.fail(f"dockerd did not start; its last lines:\n{log.read_text()[-2000:]}", pytrace=False)
        time.sleep(0.2)


def run(*command: str, cwd: Path = ROOT, timeout_s: float = 900, **environment: str) -> str:
    """Run one command against the engine and return what it wrote on stdout. Fails the test with what it said."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, (
        f"{' '.join(command)} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-4000:]}"
    )
    return done.stdout


def compose() -> tuple[str, ...]:
    """The plugin where it is installed, else docker-compose."""
    try:
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.fail(_INSTALL, pytrace=False)
    if plugin.returncode == 0:
        return ("docker", "compose")
    if shutil.which("docker-compose") is None:
        pytest.fail(_INSTALL, pytrace=False)
    return ("docker-compose",)
