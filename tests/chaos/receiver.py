"""The receiver on the time of a chaos run. `python -m tests.chaos.receiver CLOCK`; settings as always."""

import sys
from collections.abc import Sequence
from pathlib import Path

from streams import bootstrap, settings
from streams.cli.running import until_stopped
from tests.chaos.clock import ChaosClock


def main(arguments: Sequence[str] | None = None) -> None:
    """Receive until SIGTERM."""
    [path] = sys.argv[1:] if arguments is None else arguments
    clock = ChaosClock(Path(path))
    until_stopped(
        settings.load(),
        lambda chosen, stop: bootstrap.run_receiver(chosen, stop, lambda _host, _port: None, clock=clock),
    )


if __name__ == "__main__":
    main()
