"""The work on one event, the same for all who are measured: decode, look whether it was seen, rule, encode."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from schemas.codec import to_json
from schemas.commands import CommandRecord
from schemas.topics import TOPICS
from streams.core.translate import RecentKeys, translate
from tests.support.rules import TENANTS

# What our own worker uses too: what is fetched at once, and how often a group commits.
FETCH_MAX: Final = 500
COMMIT_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Orders:
    """What a process is told: where to read and write, as which group, and a folder of its own."""

    bootstrap: str
    prefix: str
    group: str
    folder: Path

    @property
    def source(self) -> str:
        return TOPICS["events.orders"].full_name(self.prefix)

    @property
    def target(self) -> str:
        return TOPICS["commands"].full_name(self.prefix)


_told = False


def begun() -> None:
    """Say, once, when the first record came, as time of day."""
    global _told
    if not _told:
        _told = True
        sys.stdout.write(f"{time.time()}\n")
        sys.stdout.flush()


def translated(
    partition: int,
    offset: int,
    timestamp_ms: int,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes]],
    seen: RecentKeys,
) -> tuple[CommandRecord, bytes]:
    """The command record of an event record, and its bytes."""
    begun()
    record = translate(
        topic="events.orders",
        partition=partition,
        offset=offset,
        timestamp_ms=timestamp_ms,
        key=key,
        value=value,
        headers=headers,
        tenants=TENANTS,
        seen=seen,
    )
    return record, to_json(record)
