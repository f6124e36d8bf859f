"""What goes through Kafka, as values: records read, runs of them, records to write, and where one was written."""

from collections.abc import AsyncIterator

import msgspec

from schemas.topics import TopicName

Headers = tuple[tuple[str, bytes], ...]


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record as it was read. A missing key or value is b"", which no decoder of ours takes for a message."""

    key: bytes
    value: bytes
    headers: Headers
    offset: int
    timestamp_ms: int


Reread = AsyncIterator[tuple[TopicName, int, Record]]
"""Records that are read once more, with their topic and partition."""


class Run(msgspec.Struct, frozen=True):
    """Records of one partition, in order, that travel through Faust together; never empty.

    Offsets rise but may leave gaps (compaction, transaction markers).
    """

    topic: str
    partition: int
    records: tuple[Record, ...]


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """One record to write. Without a partition the key chooses it."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers = ()
    partition: int | None = None


class RecordPosition(msgspec.Struct, frozen=True, gc=False):
    """Where the broker has put a record."""

    topic: str
    partition: int
    offset: int
