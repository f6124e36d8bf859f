"""A process that runs a local broker, for tests that end it from outside. Arguments: home, and `serve`, `start` or
`container`, where an engine runs."""

import sys
import time
from pathlib import Path

from streams.kafka import local


def _tell(kafka: local.Kafka) -> None:
    sys.stdout.write(kafka.bootstrap + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    home = Path(sys.argv[1])
    if sys.argv[2] == "serve":
        local.serve(home, _tell)
    else:
        _tell(local.start(home, keep=sys.argv[2] == "start"))
        time.sleep(600)
