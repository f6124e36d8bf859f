"""Quix Streams: a stateful `apply`, its state in RocksDB with a changelog topic."""

from collections.abc import Sequence
from typing import Any

from quixstreams import Application, State, message_context

from schemas.commands import CommandRecord
from streams.core.translate import RecentKeys
from tests.bench.translate.job import Orders, translated


class StateKeys(RecentKeys):
    """What was seen, in the state of the record's key."""

    def __init__(self, state: State[Any, Any]) -> None:
        self._state = state

    def has(self, event_key: str, digest: str) -> bool:
        return bool(self._state.get(event_key) == digest)

    def enter(self, record: CommandRecord) -> None:
        self._state.set(record.event_key, record.digest)


def run(orders: Orders) -> None:
    """Work until killed."""
    app = Application(
        broker_address=orders.bootstrap,
        consumer_group=orders.group,
        auto_offset_reset="earliest",
        state_dir=orders.folder / "state",
        loglevel="WARNING",
    )
    source = app.topic(orders.source, key_deserializer="bytes", value_deserializer="bytes")
    target = app.topic(orders.target, key_serializer="bytes", value_serializer="bytes")

    def work(
        value: bytes, key: bytes, timestamp: int, headers: Sequence[tuple[str, bytes]], state: State[Any, Any]
    ) -> bytes:
        context = message_context()
        seen = StateKeys(state)
        record, encoded = translated(context.partition, context.offset, timestamp, key, value, headers, seen)
        seen.enter(record)
        return encoded

    frame: Any = app.dataframe(source)
    frame.apply(work, stateful=True, metadata=True).to_topic(target)
    app.run()
