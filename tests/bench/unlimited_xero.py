"""A sandbox that never says that a limit is reached, served until it is stopped; it prints how to connect as JSON."""

import asyncio
from typing import Final

from connectors.xero.sandbox import Switches, run_forever

_ANY: Final = 10**9
SWITCHES: Final = Switches(minute_limit=_ANY, day_limit=_ANY, app_minute_limit=_ANY, concurrent_limit=100)


if __name__ == "__main__":
    asyncio.run(run_forever(switches=SWITCHES, as_json=True))
