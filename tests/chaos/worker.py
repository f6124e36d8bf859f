"""A worker on the time of a chaos run. `python -m tests.chaos.worker CLOCK [--die-at POINT:N] [--plant NAME]`

It is the worker of `ledgerstream worker`, with three things that no setting gives: the clock, a gate that kills the
process at a named point, and a planted fault that the harness must find. Settings are those of the environment.
"""

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from connectors.xero.client import XeroClient
from connectors.xero.ticket import Answer, NoAnswer, Ticket
from streams import bootstrap, settings
from streams.cli.running import until_stopped
from streams.sender.gate import Gate, open_gate
from tests.chaos import plants
from tests.chaos.clock import ChaosClock
from tests.support.worker_process import Trap


def main(arguments: Sequence[str] | None = None) -> None:
    """Work until SIGTERM, or until the trap closes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("clock", type=Path)
    parser.add_argument("--die-at", default="")
    parser.add_argument("--plant", default="", choices=["", *plants.PLANTS])
    given = parser.parse_args(arguments)
    clock = ChaosClock(given.clock)
    with mock.patch.object(bootstrap, "XeroClient", client_on(clock)), plants.planted(given.plant):
        until_stopped(
            settings.load(),
            lambda chosen, stop: bootstrap.run_worker(
                chosen, stop, lambda _host, _port: None, gate=_gate(given.die_at), clock=clock
            ),
        )


def _gate(die_at: str) -> Gate:
    point, _, times = die_at.partition(":")
    return Trap(point, int(times)) if point else open_gate


def client_on(clock: ChaosClock) -> type[XeroClient]:
    """The client whose patience with Xero is measured in the time of the run, as the ledger's is."""

    class ClientOnOurTime(XeroClient):
        async def send(self, ticket: Ticket) -> Answer | NoAnswer:
            sending = asyncio.ensure_future(super().send(ticket))
            waiting = asyncio.ensure_future(clock.sleep(ticket.timeout_s))
            pair: set[asyncio.Future[Any]] = {sending, waiting}
            try:
                await asyncio.wait(pair, return_when=asyncio.FIRST_COMPLETED)
                if sending.done():
                    return sending.result()
                return NoAnswer(left=True, detail="no answer in the time of the run")
            finally:
                for task in pair:
                    task.cancel()
                await asyncio.wait(pair)

    return ClientOnOurTime


if __name__ == "__main__":
    main()
