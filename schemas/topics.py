"""The topics, in one table: what the launcher creates, `ledgerstream topics` checks and every part names.

The key of every record is its subject. Nothing relies on one partition seeing all of an entity, because librdkafka
and Java hash keys differently; the ledger does that (design section 3).
"""

from collections.abc import Mapping
from typing import Final, Literal, cast

import msgspec

PREFIX: Final = "ledgerstream."

# events.* and commands have one fixed number of partitions: a command record goes to the partition number of the
# event record it came from, so that intake can name the exact source record of everything it takes in.
EVENT_PARTITIONS: Final = 4

_DAY_MS: Final = 24 * 60 * 60 * 1000
_RETENTION_MS: Final = 35 * _DAY_MS

TopicName = Literal[
    "raw",
    "events.orders",
    "events.jobs",
    "events.contacts",
    "events.payments",
    "events.payouts",
    "events.xero",
    "commands",
    "outcomes",
    "dead-letters",
    "ledger",
]


class Topic(msgspec.Struct, frozen=True):
    """One topic. `retention_ms` is None for the compacted one, which keeps the last record of each key for ever."""

    name: TopicName
    partitions: int
    retention_ms: int | None
    holds: str

    @property
    def cleanup_policy(self) -> Literal["delete", "compact"]:
        return "compact" if self.retention_ms is None else "delete"

    def full_name(self, prefix: str = PREFIX) -> str:
        return prefix + self.name


def _kept(name: TopicName, holds: str) -> Topic:
    return Topic(name=name, partitions=EVENT_PARTITIONS, retention_ms=_RETENTION_MS, holds=holds)


TOPICS: Final[Mapping[TopicName, Topic]] = {
    topic.name: topic
    for topic in (
        _kept("raw", "requests of sources as they were received, verified, before normalise reads them"),
        _kept("events.orders", "OrderPlaced, OrderUpdated, OrderCancelled"),
        _kept("events.jobs", "JobCompleted"),
        _kept("events.contacts", "ContactUpdated, ContactMerged"),
        _kept("events.payments", "Payment*, Refund*, Dispute*"),
        _kept("events.payouts", "PayoutPaid"),
        _kept("events.xero", "InvoiceStatusChanged, XeroContactChanged, CreditNoteChanged"),
        _kept("commands", "one record per event record: its commands, or why there are none"),
        _kept("outcomes", "every change of state of a command or event, as the ledger's publisher tells it"),
        _kept("dead-letters", "what a person must mend"),
        Topic(name="ledger", partitions=1, retention_ms=None, holds="which ledger writes here, and how far it got"),
    )
}

EVENT_TOPICS: Final[tuple[TopicName, ...]] = tuple(name for name in TOPICS if name.startswith("events."))


def name_of(full_name: str, prefix: str = PREFIX) -> TopicName:
    """The name in the table of a topic as Kafka knows it; KeyError for a topic that is not ours."""
    return TOPICS[cast("TopicName", full_name.removeprefix(prefix))].name
