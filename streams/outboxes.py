"""The outbox pollers of a worker: one for each source that is a company's own database.

Every worker has them; one of all workers leads each outbox, by a lease in the outbox's own database. The sources are
those of the start: who adds a database, or gives it another address, starts the workers again.
"""

import secrets
from collections.abc import Mapping, Sequence

from connectors.base import Clock, OutboxConfig, Publisher, SourceConfig
from connectors.outbox.poller import OutboxMetrics, Poller
from connectors.outbox.store import Outbox


def outbox_sources(sources: Mapping[str, SourceConfig]) -> dict[str, OutboxConfig]:
    """The sources that have an outbox, by name."""
    return {name: source.outbox for name, source in sources.items() if source.outbox is not None}


def open_outbox(config: OutboxConfig) -> Outbox:
    """The outbox of a source. Raises OutboxUnavailable where its driver is not installed."""
    return Outbox(config.url.reveal(), config.table)


def pollers(
    configs: Mapping[str, OutboxConfig], publisher: Publisher, metrics: OutboxMetrics, clock: Clock, member: str
) -> Sequence[Poller]:
    """A poller for each. `member` names the worker, for people who ask who leads."""
    # A worker that is started again is another one: what the one before it still does must not pass for its own.
    owner = f"{member}:{secrets.token_hex(4)}"
    return [
        Poller(name, config, open_outbox(config), publisher, metrics, clock, owner=owner)
        for name, config in configs.items()
    ]
