"""Whether a request may come in just now: there is room for it, and its source has not come too often."""

from collections.abc import Iterator
from contextlib import contextmanager

from connectors.base import SourceConfig
from connectors.receiver import problems
from connectors.receiver.parts import Parts


@contextmanager
def at_work(parts: Parts) -> Iterator[None]:
    """Counts a request whose body is whole, while the block works on it. Raises Refusal (503) where it is one too
    many."""
    if parts.crowd.at_work >= parts.limits.in_flight_max:
        raise problems.overloaded(parts.limits.retry_after_s)
    with parts.crowd.working():
        yield


def admit(parts: Parts, source: SourceConfig) -> None:
    """Counts a request of the source. Raises Refusal (429) where it is one too many.

    Only proven requests are counted: else anyone could use up a source's share by sending forged ones, and the source
    itself would be sent away.
    """
    wait_s = parts.rates.take(source, parts.clock.elapsed())
    if wait_s:
        raise problems.throttled(source.requests_per_minute, wait_s)
