"""What people's verbs need of a running system: its ledger as it is, opened beside its worker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from streams.clock import SteadyClock, SystemClock
from streams.ledger import Ledger, open_as_it_is
from streams.ledger.errors import LedgerUnavailable
from streams.settings import Settings


@asynccontextmanager
async def open_desk(settings: Settings, clock: SteadyClock | None = None) -> AsyncIterator[Ledger]:
    """The ledger for people, beside a worker or without one, as it is: only receiver and worker bring it up.

    `clock` is set to the time of the ledger's server. Raises LedgerUnavailable where there is none yet, LedgerRefused
    for another release's.
    """
    url = settings.ledger()
    _must_be_there(url)
    clock = clock or SteadyClock(SystemClock())
    ledger = await open_as_it_is(url, clock)
    try:
        if (told := await ledger.server_time()) is not None:
            clock.shift((told - clock.now()).total_seconds())
        yield ledger
    finally:
        await ledger.close()


def _must_be_there(url: str) -> None:
    file = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite") and not file.exists():
        raise LedgerUnavailable(
            f"There is no ledger at {file} yet: start `ledgerstream worker` or `ledgerstream receiver`, or name "
            "another one in LEDGERSTREAM_LEDGER_URL or LEDGERSTREAM_HOME."
        )
