"""Whether a source that is proven may come in just now."""

from connectors.base import SourceConfig
from connectors.receiver import problems
from connectors.receiver.parts import Parts


def admit(parts: Parts, source: SourceConfig) -> None:
    """Counts a request of the source. Raises Refusal (429) where it is one too many.

    Only proven requests are counted: else anyone could use up a source's share by sending forged ones, and the source
    itself would be sent away.
    """
    wait_s = parts.rates.take(source, parts.clock.elapsed())
    if wait_s:
        raise problems.throttled(source.requests_per_minute, wait_s)
