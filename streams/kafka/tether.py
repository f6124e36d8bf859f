"""Runs one command for as long as the pipe on standard input is open.

Started as a script of its own (`python tether.py COMMAND ...`), because only another process outlives a parent that
is killed with -9: the kernel closes the parent's end of the pipe, and what it had started ends with it.
"""

import os
import select
import signal
import subprocess
import sys
from typing import Final

_GRACE_S: Final = 8.0
_LOOK_S: Final = 0.2


def run(command: list[str]) -> int:
    """Run `command` until it ends by itself (its exit code) or standard input closes (SIGTERM, then SIGKILL)."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    while child.poll() is None:
        readable, _, _ = select.select([sys.stdin], [], [], _LOOK_S)
        if readable and not os.read(sys.stdin.fileno(), 1):
            return _end(child)
    return child.returncode


def _end(child: "subprocess.Popen[bytes]") -> int:
    child.terminate()
    try:
        return child.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(run(sys.argv[1:]))
