"""A poller as a worker has it, in a process of its own that can be killed."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from connectors.base import OutboxConfig, Secret
from connectors.outbox.poller import Poller
from connectors.outbox.store import Outbox
from streams import logs
from streams.clock import SystemClock
from streams.kafka.producer import Producer
from streams.kafka.publishing import KafkaPublisher
from streams.metrics import MetricsRegistry


async def work(url: str, bootstrap: str, prefix: str, owner: str, lease_s: float) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    metrics = MetricsRegistry(("erp-1",))
    metrics.watch_outboxes(("erp-1",))
    metrics.hearing.watch_polled(("erp-1",))
    producer = Producer(bootstrap)
    await producer.start()
    poller = Poller(
        "erp-1",
        OutboxConfig(url=Secret(url), poll_s=0.05),
        Outbox(url, "outbox"),
        KafkaPublisher(producer, prefix),
        metrics,
        SystemClock(),
        owner=owner,
        lease_s=lease_s,
    )
    running = asyncio.ensure_future(poller.run())
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    running.cancel()
    await asyncio.wait({running})
    await producer.stop()
    if not running.cancelled():
        await running


def run(log: Path, *arguments: str, lease_s: float) -> None:
    """The whole process. `arguments`: the database's address, the broker, the topics' prefix, the poller's name.

    SIGTERM stops it in order; the exit code is then 0.
    """
    with log.open("ab") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    logs.configure("info", "json")
    url, bootstrap, prefix, owner = arguments
    asyncio.run(work(url, bootstrap, prefix, owner, lease_s))
