"""Where the processes of a run are born: forked from one that has imported everything, so each starts in no time.

It reads orders (a JSON object a line) on stdin and tells births and deaths on stdout. When stdin ends, everything that
it has started is killed, so nothing outlives a harness that was killed itself. `python -m tests.chaos.nursery`
"""

import contextlib
import gc
import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from streams import cli
from tests.chaos import receiver, sandbox, worker

_READ_BYTES: Final = 65_536


def _ledgerstream(arguments: Sequence[str]) -> None:
    sys.argv = ["ledgerstream", *arguments]
    cli.main()


_ENTRIES: Final[Mapping[str, Callable[[Sequence[str]], None]]] = {
    "worker": worker.main,
    "receiver": receiver.main,
    "sandbox": sandbox.main,
    "ledgerstream": _ledgerstream,
}


def main() -> None:
    """Serve until stdin ends."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    gc.freeze()
    living: set[int] = set()
    orders = b""
    try:
        while True:
            ready, _, _ = select.select([0, read], [], [])
            if read in ready:
                os.read(read, _READ_BYTES)
            if 0 in ready:
                data = os.read(0, _READ_BYTES)
                if not data:
                    return
                *lines, orders = (orders + data).split(b"\n")
                for line in lines:
                    _bear(json.loads(line), living)
            _bury(living)
    finally:
        for pid in living:
            os.kill(pid, signal.SIGKILL)


def _bear(order: Mapping[str, Any], living: set[int]) -> None:
    pid = os.fork()
    if pid == 0:
        _live(order)
    living.add(pid)
    _tell({"order": order["number"], "pid": pid})


def _bury(living: set[int]) -> None:
    for pid in list(living):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            living.discard(pid)
            _tell({"pid": pid, "code": os.waitstatus_to_exitcode(status)})


def _live(order: Mapping[str, Any]) -> None:
    """In the child: its own environment, output and session, then the entry; never returns."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, nothing), (1, log), (2, log)):
            os.dup2(source, target)
        os.environ.clear()
        os.environ.update(order["environment"])
        _ENTRIES[order["entry"]](order["arguments"])
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _tell(fact: Mapping[str, int]) -> None:
    os.write(1, json.dumps(fact).encode() + b"\n")


if __name__ == "__main__":
    main()
