"""The log of calls that a test or a demo reads: what came, what was answered, which refusals were earned."""

from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

CALLS_MAX: Final = 200_000


@dataclass(slots=True)
class CallRecord:
    """One call. `status` 0: no answer was sent. `throttled` tells an ordered 429 (by a fault) from an earned one."""

    number: int
    at: datetime
    method: str
    path: str
    query: str
    tenant_id: str = ""
    client_id: str = ""
    key: str = ""
    status: int = 0
    elements: int = 0
    committed: int = 0
    throttled: Literal["", "ordered", "earned"] = ""
    problem: str = ""
    fault: str = ""
    replayed: bool = False
    duration_s: float = 0.0


class CallLog:
    """The last calls in the order in which they came, and counters over all."""

    def __init__(self) -> None:
        self.records: deque[CallRecord] = deque(maxlen=CALLS_MAX)
        self.throttled: Counter[str] = Counter()
        self._number = 0

    def open(self, at: datetime, method: str, path: str, query: str) -> CallRecord:
        self._number += 1
        record = CallRecord(self._number, at, method, path, query)
        self.records.append(record)
        return record

    def clear(self) -> None:
        self.records.clear()
        self.throttled.clear()
