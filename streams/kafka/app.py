"""The Faust app: made by a factory, with runs, without tables, web server or discovery; and run embedded."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final, cast

import faust
from aiokafka.errors import KafkaConnectionError
from faust.tables import TableManager
from faust.transport.drivers.aiokafka import Transport
from faust.types import TransportT
from mode import CrashingSupervisor
from yarl import URL

from streams.kafka.errors import no_answer
from streams.kafka.records import Run
from streams.kafka.runs import OnAssigned, PartitionName, RunsConsumer

Handler = Callable[[Run], Awaitable[Awaitable[object] | None]]

RUN_RECORDS_MAX: Final = 500
UNFINISHED_RUNS_MAX: Final = 4
_SESSION_TIMEOUT_S: Final = 10.0
# A member that freezes within a rebalance is waited for as long as this, whatever its session timeout is: the others
# have no partitions meanwhile. It must be less than a lease lasts, so that a frozen worker is replaced within that.
_REBALANCE_TIMEOUT_S: Final = 20.0
_COMMIT_INTERVAL_S: Final = 1.0
_STOP_TIMEOUT_S: Final = 4.0
# aiokafka leaves its group, without a word, when the consumer does not poll for this long; an idle one does not.
_MAX_POLL_INTERVAL_S: Final = 10**6
# Back-pressure is ours (UNFINISHED_RUNS_MAX): when Faust's buffer is full it sleeps for a second.
_STREAM_BUFFER_RUNS: Final = 100_000

_log = logging.getLogger(__name__)


class _NoTables(TableManager):
    """Faust waits here a second for tables to be declared; there are none."""

    async def on_start(self) -> None:
        if not self.should_stop:
            await self._update_channels()
            await self.recovery.start()


class RunsApp(faust.App):
    """A Faust app whose consumer hands out runs."""

    def __init__(self, *args: Any, runs_consumer: type[RunsConsumer], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._runs_transport = type("RunsTransport", (Transport,), {"Consumer": runs_consumer})
        self.crash_noted = asyncio.Event()

    def _new_transport(self) -> TransportT:
        transport: TransportT = self._runs_transport(self.conf.broker_consumer, self)
        return transport

    def _crash(self, reason: BaseException) -> None:
        super()._crash(reason)
        self.crash_noted.set()


def create_app(
    bootstrap: str,
    group: str,
    *,
    datadir: Path,
    run_records_max: int = RUN_RECORDS_MAX,
    unfinished_runs_max: int = UNFINISHED_RUNS_MAX,
    on_assigned: OnAssigned | None = None,
    session_timeout_s: float = _SESSION_TIMEOUT_S,
    instance_id: str | None = None,
) -> RunsApp:
    """An app of consumer group `group`; call it where the event loop runs.

    `on_assigned` is asked at every assignment which offset each partition goes on from; what it does not name goes on
    from the group's committed offset, else from the earliest. `instance_id` makes the member static: it takes its
    partitions again after kill -9 without waiting for `session_timeout_s`.
    """
    hook = staticmethod(on_assigned) if on_assigned is not None else None
    consumer = type(
        "ConfiguredRunsConsumer",
        (RunsConsumer,),
        {
            "run_records_max": run_records_max,
            "unfinished_runs_max": unfinished_runs_max,
            "on_assigned": hook,
        },
    )
    datadir.parent.mkdir(parents=True, exist_ok=True)
    return RunsApp(
        group,
        runs_consumer=consumer,
        broker=[URL(f"kafka://{address.strip()}") for address in bootstrap.split(",")],
        autodiscover=False,
        datadir=str(datadir),
        store="memory://",
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        TableManager=_NoTables,
        agent_supervisor=CrashingSupervisor,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=instance_id,
        broker_session_timeout=session_timeout_s,
        broker_heartbeat_interval=session_timeout_s / 4,
        broker_commit_interval=_COMMIT_INTERVAL_S,
        broker_rebalance_timeout=_REBALANCE_TIMEOUT_S,
        broker_max_poll_interval=_MAX_POLL_INTERVAL_S,
        broker_max_poll_records=run_records_max,
        stream_buffer_maxsize=_STREAM_BUFFER_RUNS,
    )


def run_agent(app: RunsApp, topics: Sequence[str], handler: Handler, name: str) -> None:
    """Let `handler` have every run of these topics, one after another within the agent.

    When it returns None the run is acknowledged: all that follows from it must be safe by then. When it returns an
    awaitable, the next run follows at once and this one is acknowledged when the awaitable ends. Whatever either raises
    crashes the app, and the run is not acknowledged, so that it comes again.
    """
    channel = app.topic(
        *topics, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw", acks=True
    )
    acknowledging: set[asyncio.Task[None]] = set()

    async def acknowledge(stream: Any, event: Any, safe: Awaitable[object]) -> None:
        try:
            await safe
        except Exception as error:
            await app.crash(error)
            return
        await stream.ack(event)

    async def consume(stream: Any) -> None:
        async for event in stream.noack().events():
            safe = await handler(event.message.run)
            if safe is None:
                await stream.ack(event)
                continue
            task = asyncio.ensure_future(acknowledge(stream, event, safe))
            acknowledging.add(task)
            task.add_done_callback(acknowledging.discard)

    app.agent(channel, name=name, concurrency=1)(consume)


class EmbeddedApp:
    """Runs an app inside a process that has its own loop, logging and signals. Start and stop once."""

    def __init__(self, app: RunsApp) -> None:
        self._app = app

    async def start(self) -> None:
        """Start; ends when the app has joined its group. Raises BrokerUnavailable.

        It may take as long as the session timeout after a kill -9: wait for it and for the signal to stop together.
        """
        self._app.finalize()
        try:
            await self._app.start()
        except KafkaConnectionError as error:
            raise no_answer(str(self._app.conf.broker[0]).removeprefix("kafka://"), error) from error

    @property
    def crashed(self) -> BaseException | None:
        """Why the app has crashed. Embedded, Faust only notes it: look here, and end the process."""
        return self._app.crash_reason if self._app.crash_noted.is_set() else None

    async def wait_ready(self) -> None:
        """Wait until positions are sought and runs are handed out. Raises what the app crashed with."""
        await self._first(cast(RunsConsumer, self._app.consumer).ready.wait())

    def lag(self) -> dict[PartitionName, int]:
        """Records not finished yet, by assigned partition; empty while partitions change hands."""
        return cast(RunsConsumer, self._app.consumer).lag()

    async def wait_crashed(self) -> BaseException:
        """Wait until the app crashes, and give the reason."""
        await self._app.crash_noted.wait()
        return self._app.crash_reason or RuntimeError("the app crashed and gave no reason")

    async def stop(self) -> bool:
        """Let begun runs end, commit, leave the group: within 4 s, else False, and the process should exit at once.

        Never under asyncio.wait_for: mode swallows the cancellation, and the wait would not end.
        """
        stopping = asyncio.ensure_future(self._app.stop())
        done, _ = await asyncio.wait({stopping}, timeout=_STOP_TIMEOUT_S)
        if not done:
            _log.warning("Faust did not stop within %.0f s", _STOP_TIMEOUT_S)
            return False
        with contextlib.suppress(asyncio.CancelledError):
            if (error := stopping.exception()) is not None:
                _log.warning("Faust stopped with %r", error)
        return True

    async def _first(self, ready: Awaitable[object]) -> None:
        waiting = asyncio.ensure_future(ready)
        crashing = asyncio.ensure_future(self.wait_crashed())
        try:
            await asyncio.wait({waiting, crashing}, return_when=asyncio.FIRST_COMPLETED)
            if crashing.done():
                raise crashing.result()
        finally:
            waiting.cancel()
            crashing.cancel()
