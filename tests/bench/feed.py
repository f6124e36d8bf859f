"""Events as intake gets them: translated by the product's own rules, in runs."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from schemas.commands import CommandRecord
from streams.core.tenants import Tenants
from streams.core.translate import translate
from streams.ledger import Ledger
from tests.bench.events import EventRecord
from tests.support.rules import TENANTS

RUN: Final = 500


def translated(records: Iterable[EventRecord], tenants: Tenants = TENANTS) -> Iterator[CommandRecord]:
    """One command record for each, as if all came from one partition."""
    for offset, record in enumerate(records):
        yield translate(
            topic=record.topic,
            partition=0,
            offset=offset,
            timestamp_ms=1_795_000_000_000,
            key=record.key,
            value=record.value,
            headers=record.headers,
            tenants=tenants,
        )


def runs(records: Iterable[CommandRecord]) -> Iterator[Sequence[CommandRecord]]:
    """In the runs in which they travel."""
    rest = iter(records)
    while run := list(islice(rest, RUN)):
        yield run


async def take_in(ledger: Ledger, records: Iterable[CommandRecord]) -> None:
    """Take all in, as the agent does."""
    offset = 0
    for run in runs(records):
        offset += len(run)
        await ledger.intake.take_in(run, (0, offset))
