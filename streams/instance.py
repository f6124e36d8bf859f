"""Which worker this is: a name that no other process ever has, and a number that none beside it on this machine has."""

import fcntl
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

_WORKERS_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class Instance:
    """`owner` holds the leases of this process. `member` is the same for the worker that takes this one's place on the
    machine, however it ended: Kafka gives it the same partitions at once. `number` counts the workers of a home."""

    owner: str
    member: str
    number: int


@contextmanager
def instance(home: Path) -> Iterator[Instance]:
    """This process among the workers that share `home`, for as long as the block lasts."""
    home.mkdir(parents=True, exist_ok=True)
    number, held = _number(home)
    host = socket.gethostname()
    try:
        # A process id alone comes again, in a container as soon as it is started again.
        yield Instance(f"{host}:{os.getpid()}:{secrets.token_hex(4)}", f"{host}-{number}", number)
    finally:
        held.close()


def _number(home: Path) -> tuple[int, IO[str]]:
    """The first number that is free; its file is locked until it is closed or the process ends."""
    for number in range(_WORKERS_MAX):
        held = (home / f"worker-{number}.lock").open("w")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            held.close()
            continue
        return number, held
    raise OSError(f"{_WORKERS_MAX} workers run on {home}: give the next one another LEDGERSTREAM_HOME")
