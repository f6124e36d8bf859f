"""The audit as its reader sees it, alone from the ledger or beside what Kafka holds."""

from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec

from schemas import envelope
from schemas.codec import Refused, content_digest, load_json
from schemas.states import Disposition
from schemas.topics import TopicName
from streams.kafka.records import Record, Reread
from streams.ledger import Ledger
from streams.ledger.audit import AuditReport, ReadRecord


class TopicLine(msgspec.Struct, frozen=True, kw_only=True):
    """One partition's equation: records = events + duplicates + refused. `next_offset` is the first not taken in."""

    topic: str
    partition: int
    next_offset: int
    records: int
    events: int
    duplicates: int
    refused: int


class AuditView(msgspec.Struct, frozen=True, kw_only=True):
    """`audit --json` (a contract). Dispositions and duplicates add up to the records.

    `reread` is how many records of Kafka were compared; None without --kafka. `egress` are the bytes that Xero has
    answered this month, by tenant.
    """

    ok: bool
    records: int
    events: int
    duplicates: int
    refused: int
    dispositions: Mapping[Disposition, int]
    waiting: Mapping[str, int]
    open_dead_letters: Mapping[str, int]
    open_questions: int
    unpublished: int
    reread: int | None
    topics: tuple[TopicLine, ...]
    problems: tuple[str, ...]
    egress: Mapping[str, int] = {}


def view_of(
    report: AuditReport, egress: Mapping[str, int], reread: int | None = None, more: Sequence[str] = ()
) -> AuditView:
    """The report as it is shown; `more` are problems that only the comparison with Kafka found."""
    return AuditView(
        ok=report.ok and not more,
        records=sum(one.records for one in report.topics),
        events=sum(one.events for one in report.topics),
        duplicates=sum(one.duplicates for one in report.topics),
        refused=sum(one.refused for one in report.topics),
        dispositions=report.dispositions,
        waiting=report.waiting,
        open_dead_letters=report.open_dead_letters,
        open_questions=report.open_questions,
        unpublished=report.unpublished,
        reread=reread,
        topics=tuple(
            TopicLine(**{name: getattr(one, name) for name in TopicLine.__struct_fields__}) for one in report.topics
        ),
        problems=(*report.problems, *more),
        egress=egress,
    )


async def compare(ledger: Ledger, records: Reread) -> tuple[int, Sequence[str]]:
    """Compare records read again from Kafka with the ledger's rows: how many, and what is wrong."""
    number = 0

    async def read() -> AsyncIterator[ReadRecord]:
        nonlocal number
        async for topic, partition, record in records:
            number += 1
            yield read_record(topic, partition, record)

    problems = await ledger.audits.audit_records(read())
    return number, problems


def read_record(topic: TopicName, partition: int, record: Record) -> ReadRecord:
    """What a record is known by, read from its bytes alone."""
    try:
        event = envelope.from_kafka(record.headers, record.value)
    except Refused:
        return ReadRecord(topic, partition, record.offset, None, None)
    try:
        digest = content_digest(event.type, event.sequence, load_json(event.data))
    except Refused:
        return ReadRecord(topic, partition, record.offset, event.key, None)
    return ReadRecord(topic, partition, record.offset, event.key, digest)
