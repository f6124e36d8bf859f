"""A worker as `ledgerstream worker` runs it, that kills itself with -9 when it comes to a named point.

Arguments: the point, and at which time of coming to it (1 is the first). Settings are those of the environment.
"""

import os
import signal
import sys

from streams import bootstrap, settings
from streams.cli.running import until_stopped
from streams.sender.gate import Point


class Trap:
    """A gate that lets everything pass until the time has come."""

    def __init__(self, point: str, times: int) -> None:
        self._point = point
        self._left = times

    def __call__(self, point: Point) -> None:
        if point == self._point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    trap = Trap(sys.argv[1], int(sys.argv[2]))
    until_stopped(
        settings.load(),
        lambda chosen, stop: bootstrap.run_worker(chosen, stop, lambda _host, _port: None, gate=trap),
    )


if __name__ == "__main__":
    main()
