"""A sandbox whose calls take as long as Xero's: log-normal around a median. Served alone by `python -m` with the median
in seconds; it prints how to connect as JSON.
"""

import asyncio
import json
import math
import random
import signal
import sys
from typing import Final

from connectors.xero.sandbox import Clock, Fault, Sandbox, Switches
from connectors.xero.sandbox.faults import Faults

# Half of the calls take between 0.7 and 1.4 times the median, one in a hundred more than three times.
SIGMA: Final = 0.5


class SlowCalls(Faults):
    """No call fails; each takes its time before it is answered."""

    def __init__(self, median_s: float, seed: int = 1) -> None:
        super().__init__()
        self._median_s = median_s
        self._chance = random.Random(seed)

    def take(self, method: str, path: str, tenant_id: str) -> Fault:
        return Fault(delay_s=self._chance.lognormvariate(math.log(self._median_s), SIGMA))


def slow(median_s: float, *, clock: Clock | None = None, switches: Switches | None = None) -> Sandbox:
    """A sandbox with Xero's limits, or those of `switches`."""
    sandbox = Sandbox(clock=clock, switches=switches)
    sandbox._engine.faults = SlowCalls(median_s)
    return sandbox


async def _serve(median_s: float) -> None:
    sandbox = slow(median_s)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with sandbox.serve() as address:
        sys.stdout.write(json.dumps(sandbox.describe(address)) + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
