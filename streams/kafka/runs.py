"""Runs: one Faust message carries many records of one partition, and an offset is committed only when it is safe.

A consumer for Faust's own extension points (`Transport.Consumer`). It differs from the stock one in three ways:

- what is fetched is handed out in runs, at most a few unfinished ones a partition;
- commits follow the order of delivery (`delivered.py`), so an unacknowledged run is never passed;
- every seek happens in the loop that fetches, between two fetches. Faust seeks from another task: records fetched
  before the seek and handed out after it would stand in front of older ones, and be committed past them.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, cast

from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError, IllegalStateError
from faust.transport.consumer import Consumer as FaustConsumer
from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP
from faust.types.tuples import ConsumerMessage, ack_lock

from streams.kafka.delivered import Delivered
from streams.kafka.records import Headers, Record, Run

PartitionName = tuple[str, int]
OnAssigned = Callable[[frozenset[PartitionName]], Awaitable[Mapping[PartitionName, int]]]

_FETCH_TIMEOUT_S: Final = 1.0
# While a partition waits for acknowledgements the fetch of the others ends soon, to look whether it may go on.
_FETCH_TIMEOUT_HELD_BACK_S: Final = 0.02
# Runs that have begun may end before their partition goes to another worker; longer than this, and they come again.
_WAIT_EMPTY_S: Final = 3.0
_NEVER: Final = -1
_VALUE: Final = itemgetter(1)
# About five seconds: longer than a rebalance in the consumer's thread takes to reach the loop.
_FAILED_TURNS_MAX: Final = 250

_log = logging.getLogger(__name__)


class RunMessage(ConsumerMessage):
    """What Faust passes around as one message: a run, with the offset of its last record."""

    __slots__ = ("run",)

    run: Run


class RunsConsumer(Consumer):
    """Faust's aiokafka consumer with runs, safe commits and seeks between fetches.

    `run_records_max`, `unfinished_runs_max` and `on_assigned` are set by `app.create_app` through a subclass.
    """

    run_records_max: int = 500
    unfinished_runs_max: int = 4
    on_assigned: OnAssigned | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ready = asyncio.Event()
        self._delivered: Delivered[TP] = Delivered()
        # Raised whenever positions may have changed; fetched records of an older one are not handed out.
        self._epoch = 0
        self._sought_epoch = _NEVER
        self._failed_turns = 0
        self._finished = asyncio.Event()

    # Acknowledge and commit.

    def ack(self, message: Any) -> bool:
        """Called when all streams have acknowledged a run; not for people, use `stream.ack(event)`."""
        with ack_lock:
            if message.acked:
                return False
            message.acked = True
            self._n_acked += 1
            self._unacked_messages.discard(message)
            self._delivered.settle(message.tp)
        self._finished.set()
        return True

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Any:
        return (tp for tp in self._delivered.partitions() if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        return self._delivered.safe_offset(tp)

    def lag(self) -> dict[PartitionName, int]:
        """Records between what is finished and the end of each partition, as of the last fetch."""
        if not self.ready.is_set():
            return {}
        ends = {tp: self.highwater(tp) for tp in self.assignment()}
        finished = {tp: self._delivered.safe_offset(tp) or self._committed_offset[tp] or 0 for tp in ends}
        return {(tp.topic, tp.partition): max(0, (end or 0) - finished[tp]) for tp, end in ends.items()}

    async def wait_empty(self) -> None:
        """Wait for the runs that were begun, but not for ever, and commit what is finished."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _WAIT_EMPTY_S
        while self._unacked_messages and (left := until - loop.time()) > 0:
            self._finished.clear()
            waiting = asyncio.ensure_future(self._finished.wait())
            await asyncio.wait({waiting}, timeout=left)
            waiting.cancel()
        await self.commit_and_end_transactions()

    # Rebalance.

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Stop handing out, let what was begun end and commit it, before the partitions go.

        The stock consumer forgets the acknowledgements first and commits then, so that all of it comes again.
        """
        self.ready.clear()
        self.stop_flow()
        self.app.flow_control.suspend()
        self.app.flow_control.clear()
        self._epoch += 1
        await self.wait_empty()
        self._delivered.forget()
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """New partitions: their positions are sought before the next fetch."""
        self._epoch += 1
        await super().on_partitions_assigned(assigned, generation_id)

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's watch for partitions that stand still. It only logs, and one that is just changing hands has no
        position yet, which would end the process."""
        with contextlib.suppress(AssertionError, IllegalStateError):
            super().verify_event_path(now, tp)

    async def perform_seek(self) -> None:
        """Called by Faust when it resumes; only notes that a seek is due, and the fetching loop does it."""
        self._sought_epoch = _NEVER

    async def _seek(self, partition: TP, offset: int) -> None:
        raise NotImplementedError(f"{partition}: positions are chosen by on_assigned, so that no fetch is under way")

    async def _seek_all(self) -> None:
        """To the offset that `on_assigned` names, else to the committed one, else to the earliest."""
        self._delivered.forget()
        assigned = self.assignment()
        if not assigned:
            return
        own = await self._own_offsets(assigned)
        committed = {TP(tp.topic, tp.partition): offset for tp, offset in (await self.seek_to_committed()).items()}
        # aiokafka leaves a partition that has no committed offset, or 0, where the last fetch has put it.
        fresh = [TopicPartition(*tp) for tp in assigned if tp not in own and not committed.get(tp)]
        if fresh:
            await self._thread.seek_to_beginning(*fresh)
        if own:
            await self.seek_wait(own)
        self._committed_offset.clear()
        self._committed_offset.update({tp: offset for tp, offset in {**committed, **own}.items() if offset})

    async def _own_offsets(self, assigned: set[TP]) -> dict[TP, int]:
        if self.on_assigned is None:
            return {}
        offsets = await self.on_assigned(frozenset((tp.topic, tp.partition) for tp in assigned))
        return {tp: offsets[tp.topic, tp.partition] for tp in assigned if (tp.topic, tp.partition) in offsets}

    # Fetch and hand out.

    async def _drain_messages(self, fetcher: Any) -> None:
        """Faust's fetcher runs this for as long as the consumer lives."""
        try:
            while not (self.should_stop or fetcher.should_stop):
                await self._turn()
        except (ConsumerStoppedError, asyncio.CancelledError):
            if not self.app.should_stop:
                raise

    async def _turn(self) -> None:
        if not self.flow_active:
            self._sought_epoch = _NEVER
            await self.wait(self.can_resume_flow.wait())
            return
        epoch = self._epoch
        try:
            if self._sought_epoch != epoch:
                await self._seek_between_fetches(epoch)
                return
            records = await self._fetch()
        except (IllegalStateError, AssertionError):
            # aiokafka refuses to seek or fetch what its thread is giving away while the news has not reached us yet.
            # Seeking again is safe whatever the cause, and a lasting one still ends the process, with its traceback.
            _log.info("positions are sought again", exc_info=True)
            self._sought_epoch = _NEVER
            self._failed_turns += 1
            if self._failed_turns > _FAILED_TURNS_MAX:
                raise
            await self.sleep(_FETCH_TIMEOUT_HELD_BACK_S)
            return
        self._failed_turns = 0
        await self._hand_out(records, epoch)

    async def _seek_between_fetches(self, epoch: int) -> None:
        await self._seek_all()
        self._sought_epoch = epoch
        if epoch == self._epoch:
            self.ready.set()

    async def _fetch(self) -> Mapping[TP, Sequence[Any]]:
        active = self._get_active_partitions()
        open_ = {tp for tp in active if self._delivered.under_way(tp) < self.unfinished_runs_max}
        if not open_:
            self._finished.clear()
            await self.wait_first(self._finished.wait(), self.suspend_flow.wait(), timeout=_FETCH_TIMEOUT_S)
            return {}
        held_back = len(open_) < len(active)
        timeout = _FETCH_TIMEOUT_HELD_BACK_S if held_back else _FETCH_TIMEOUT_S
        return cast("Mapping[TP, Sequence[Any]]", await self._getmany(active_partitions=open_, timeout=timeout))

    async def _hand_out(self, fetched: Mapping[TP, Sequence[Any]], epoch: int) -> None:
        size = self.run_records_max
        for aiokafka_tp, records in fetched.items():
            tp = TP(aiokafka_tp.topic, aiokafka_tp.partition)
            for start in range(0, len(records), size):
                if epoch != self._epoch or not self.flow_active:
                    # What is dropped here is read again, because the position is sought before the next fetch.
                    self._sought_epoch = _NEVER
                    return
                message = self._run_message(tp, records[start : start + size])
                self._delivered.add(tp, message)
                await self.wait_first(self.callback(message), self.suspend_flow.wait())

    def _run_message(self, tp: TP, records: Sequence[Any]) -> RunMessage:
        last = records[-1]
        message = RunMessage(
            tp.topic,
            tp.partition,
            last.offset,
            last.timestamp / 1000,
            last.timestamp_type,
            [],
            b"",
            b"",
            None,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )
        message.run = Run(tp.topic, tp.partition, tuple(map(_record, records)))
        return message

    def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        """Single messages are not handed out beside runs: their acknowledgements would not be in the line."""
        raise NotImplementedError(f"{FaustConsumer.getmany.__qualname__} is replaced by runs")


def _record(record: Any) -> Record:
    return Record(
        key=record.key or b"",
        value=record.value or b"",
        headers=_headers(record.headers),
        offset=record.offset,
        timestamp_ms=record.timestamp,
    )


def _headers(headers: Sequence[tuple[str, bytes | None]]) -> Headers:
    """A header without a value counts as an empty one; nearly no record has one."""
    if all(map(_VALUE, headers)):
        return cast("Headers", tuple(headers))
    return tuple((name, value or b"") for name, value in headers)
