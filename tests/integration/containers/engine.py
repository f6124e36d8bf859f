"""A container engine for the tests: the one that answers here, else one of our own that ends with the run.

Our own (Debian's docker.io) listens on a socket of its own and reaches no registry of images, so what it starts from is
made on this machine by deploy/base-images and kept with the local Kafka's jars.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from streams.kafka import maven, tether
from tests.conftest import HOME

ROOT: Final = Path(__file__).resolve().parents[3]
KEPT: Final = HOME / "containers"
PYTHON_IMAGE: Final = re.findall(r"^FROM (\S+)", (ROOT / "deploy" / "Dockerfile").read_text(), re.MULTILINE)[-1]
KAFKA_IMAGE: Final = f"apache/kafka:{maven.kafka_version()}"
_READY_S: Final = 60.0
_COMMAND_S: Final = 900.0
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


def has_images() -> bool:
    """Whether the engine has the images that ours start from, or gets them."""
    return all(_comes(image) for image in (PYTHON_IMAGE, KAFKA_IMAGE))


def _comes(image: str) -> bool:
    return any(
        subprocess.run(["docker", *words, image], capture_output=True, timeout=600, check=False).returncode == 0
        for words in (("image", "inspect"), ("pull", "--quiet"))
    )


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


def run(*command: str, cwd: Path = ROOT, environment: Mapping[str, str] | None = None) -> str:
    """Run one command against the engine and return what it wrote on stdout. Fails the test with what it said."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=_COMMAND_S,
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
