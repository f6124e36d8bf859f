"""Faults of our own that are planted into a worker, to show that the harness sees them. No setting plants them."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from itertools import count
from typing import Any, Final
from unittest import mock

import msgspec
from sqlalchemy import Row

from connectors.xero.ticket import XeroRequest
from streams import bootstrap
from streams.kafka.records import Run
from streams.ledger import calls
from streams.translate import Translate
from tests.chaos import stock

# Longer than a consumer waits before it commits.
_LATER_S: Final = 4.0


@contextlib.contextmanager
def planted(name: str) -> Iterator[None]:
    """Within the block the product has the fault `name`; with an empty name it has none."""
    with PLANTS[name]() if name else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def _commit_before_produce() -> Iterator[None]:
    """A run of events counts as done when it was read; what follows from it is produced some seconds later."""
    whole, under_way = Translate.on_run, set[asyncio.Task[None]]()

    async def on_run(self: Translate, run: Run) -> None:
        async def later() -> None:
            await asyncio.sleep(_LATER_S)
            await (await whole(self, run))

        task = asyncio.create_task(later())
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    with mock.patch.object(Translate, "on_run", on_run):
        yield


@contextlib.contextmanager
def _new_key_on_resend() -> Iterator[None]:
    """A call that nobody answered is sent again under a key of its own, and Xero takes it for another one."""
    whole, number = calls.request_of, count(1)

    def request_of(row: Row[Any]) -> XeroRequest:
        request = whole(row)
        return msgspec.structs.replace(request, idempotency_key=f"{request.idempotency_key}-again-{next(number)}")

    with mock.patch.object(calls, "request_of", request_of):
        yield


@contextlib.contextmanager
def _stock_faust() -> Iterator[None]:
    """Faust as it comes, without our runs."""
    with mock.patch.multiple(
        bootstrap, create_app=stock.create_app, run_agent=stock.run_agent, EmbeddedApp=stock.StockApp
    ):
        yield


PLANTS: Final[Mapping[str, Callable[[], AbstractContextManager[None]]]] = {
    "commit before produce": _commit_before_produce,
    "new key on resend": _new_key_on_resend,
    "stock faust": _stock_faust,
}
