"""A worker process for tests: copies every record of one topic to the same partition of another, in runs,
with its process id in the header `worker`.

Arguments: bootstrap, group, source topic, target topic, folder. Prints READY and its
process id. SIGTERM stops it in order. A record with
the value `raise` makes the handler raise, one with `fail` what the handler gives back to be awaited.
"""

import asyncio
import logging
import os
import signal
import sys
import traceback
from collections.abc import Awaitable
from pathlib import Path

from streams.kafka.app import EmbeddedApp, create_app, run_agent
from streams.kafka.producer import Producer
from streams.kafka.records import Outgoing, Run

_RUN_RECORDS_MAX = 50
_SESSION_TIMEOUT_S = 1.5
_SINK_S = 0.6


async def _deliver(producer: Producer, records: list[Outgoing]) -> None:
    # So slow that at any moment something was read and has not left yet: an acknowledgement before its time loses it.
    await asyncio.sleep(_SINK_S)
    await producer.send_all(records)


async def _fail() -> None:
    raise ZeroDivisionError("a bug after the handler")


async def work(bootstrap: str, group: str, source: str, target: str, folder: str) -> int:
    producer = Producer(bootstrap)
    await producer.start()

    me = (("worker", str(os.getpid()).encode()),)

    async def on_run(run: Run) -> Awaitable[object]:
        values = [record.value for record in run.records]
        if b"raise" in values:
            raise ZeroDivisionError("a bug in the handler")
        if b"fail" in values:
            return _fail()
        return _deliver(producer, [Outgoing(target, r.key, r.value, me, run.partition) for r in run.records])

    app = create_app(
        bootstrap,
        group,
        datadir=Path(folder) / "faust",
        run_records_max=_RUN_RECORDS_MAX,
        session_timeout_s=_SESSION_TIMEOUT_S,
    )
    run_agent(app, [source], on_run, name="copy")
    embedded = EmbeddedApp(app)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await embedded.start()
    sys.stdout.write(f"READY {os.getpid()}\n")
    sys.stdout.flush()
    crash = asyncio.ensure_future(embedded.wait_crashed())
    await asyncio.wait({crash, asyncio.ensure_future(ended.wait())}, return_when=asyncio.FIRST_COMPLETED)
    if crash.done():
        traceback.print_exception(crash.result())
        sys.stderr.flush()
        return 3
    stopped = await embedded.stop()
    await producer.stop()
    return 0 if stopped else 4


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("streams").setLevel(logging.INFO)
    # mode's threads may outlive a stopped app, so nothing is left to the interpreter's own exit.
    os._exit(asyncio.run(work(*sys.argv[1:])))
