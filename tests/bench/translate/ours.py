"""The product: its consumer of runs, its translate agent and its producer, put together as bootstrap does it."""

import asyncio
from collections.abc import Awaitable, Mapping

from streams.kafka.app import EmbeddedApp, create_app, run_agent
from streams.kafka.producer import Producer
from streams.kafka.records import Run
from streams.translate import Translate
from tests.bench.translate.job import Orders, begun
from tests.support.rules import TENANTS


async def run(orders: Orders) -> None:
    """Work until killed."""
    producer = Producer(orders.bootstrap)
    await producer.start()
    translate = Translate(producer, orders.prefix, lambda: TENANTS)

    async def on_assigned(partitions: frozenset[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        translate.keep_only(partitions)
        return {}

    async def on_run(run: Run) -> Awaitable[object]:
        begun()
        return await translate.on_run(run)

    app = create_app(orders.bootstrap, orders.group, datadir=orders.folder / "faust", on_assigned=on_assigned)
    run_agent(app, [orders.source], on_run, "translate")
    embedded = EmbeddedApp(app)
    await embedded.start()
    await asyncio.Event().wait()
