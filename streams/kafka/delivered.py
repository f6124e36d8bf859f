"""Which offset may be committed: the end of the unbroken line of finished runs, in the order they were delivered.

Stock Faust works this out from offsets and commits past one unacknowledged event (facts: upstream #606). The order of
delivery needs no arithmetic, so gaps from compaction and transaction markers cannot mislead it.
"""

from collections import defaultdict, deque
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar

P = TypeVar("P", bound=Hashable)


class Finishable(Protocol):
    """A run under way: the offset of its last record, and whether all that follows from it is safe."""

    offset: int
    acked: bool


class Delivered(Generic[P]):
    """Runs handed out and not finished, by partition. Not for use from several threads."""

    def __init__(self) -> None:
        self._under_way: defaultdict[P, deque[Finishable]] = defaultdict(deque)
        self._safe: dict[P, int] = {}

    def add(self, partition: P, run: Finishable) -> None:
        """A run is about to be handed out, after all that were added before."""
        self._under_way[partition].append(run)

    def settle(self, partition: P) -> None:
        """Some run of this partition was acknowledged; out of turn it waits for those before it."""
        line = self._under_way[partition]
        while line and line[0].acked:
            self._safe[partition] = line.popleft().offset + 1

    def under_way(self, partition: P) -> int:
        """How many runs stand in the line, the first of them not finished."""
        return len(self._under_way[partition])

    def safe_offset(self, partition: P) -> int | None:
        """The offset to commit, that of the next record to read; None if nothing was finished."""
        return self._safe.get(partition)

    def partitions(self) -> list[P]:
        """The partitions that have an offset to commit."""
        return list(self._safe)

    def forget(self) -> None:
        """After a seek or when partitions are taken away: acknowledgements of what was handed out count no more."""
        self._under_way.clear()
        self._safe.clear()
