"""demo_s: how long `make demo` takes, from the first line to the audit, with nothing of it left out.

It brings its own broker, worker and receiver, as on a machine of a person who tries it.
"""

import subprocess
import time
from typing import Final

from tests.bench.rows import Row, measured
from tests.support.cli import COMMAND, environment

_TIMEOUT_S: Final = 300


def measure() -> list[Row]:
    """Seconds of the clock; CalledProcessError where the demo's books do not agree."""
    began_s = time.monotonic()
    subprocess.run([*COMMAND, "demo"], env=environment({}), stdout=subprocess.DEVNULL, timeout=_TIMEOUT_S, check=True)
    return [measured("demo_s", time.monotonic() - began_s, "s", at_most=90)]
