"""The publisher: what the ledger decided, told to Kafka.

`transitions` is the outbox: every change of state goes to `outcomes`, those to `rejected` to `dead-letters` as well, at
least once and in order per entity; consumers deduplicate by (subject, number). `news`, what changed in Xero, goes to
`events.xero` in the same way.
"""

import asyncio
from typing import Final

import structlog

from schemas.codec import to_json
from schemas.dead_letter import OutcomeRecord, dlq_headers
from schemas.envelope import to_kafka
from schemas.events import event_type
from schemas.topics import TOPICS
from streams.clock import Clock
from streams.counting import count_published
from streams.kafka.producer import Producer
from streams.kafka.records import Outgoing
from streams.ledger import Ledger
from streams.ledger.publishing import Unpublished
from streams.metrics import MetricsRegistry

_BATCH: Final = 500
_IDLE_S: Final = 1.0

_log = structlog.get_logger()


class Publisher:
    """One task of the worker. Raises what the ledger or the broker raises: the process then ends and starts anew."""

    def __init__(
        self,
        ledger: Ledger,
        producer: Producer,
        prefix: str,
        metrics: MetricsRegistry,
        clock: Clock,
        *,
        owner: str,
        group: str,
        version: str,
    ) -> None:
        self._ledger = ledger
        self._owner = owner
        self._producer = producer
        self._prefix = prefix
        self._outcomes = TOPICS["outcomes"].full_name(prefix)
        self._dead_letters = TOPICS["dead-letters"].full_name(prefix)
        self._metrics = metrics
        self._clock = clock
        self._group = group
        self._version = version
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There may be something to publish."""
        self._woken.set()

    async def run(self) -> None:
        """Publish until cancelled; cancelling between the acknowledgement and the mark publishes again."""
        while True:
            if await self.turn():
                continue
            self._woken.clear()
            try:
                await asyncio.wait_for(self._woken.wait(), _IDLE_S)
            except TimeoutError:
                continue

    async def turn(self) -> int:
        """Publish what waits, at most one batch, unless another worker does; how many transitions that was."""
        if not await self._ledger.publishing.is_mine(self._owner):
            return 0
        waiting = await self._ledger.publishing.unpublished(_BATCH)
        if waiting:
            await self._producer.send_all(record for one in waiting for record in self._records(one))
            ends = await self._ledger.ends.reached(waiting)
            await self._ledger.publishing.mark_published([one.transition for one in waiting])
            count_published(self._metrics, waiting, ends, self._clock.now())
        return len(waiting) + await self._tell_news()

    async def _tell_news(self) -> int:
        news = await self._ledger.publishing.unpublished_news(_BATCH)
        if news:
            topics = [TOPICS[event_type(one.envelope.type).topic].full_name(self._prefix) for one in news]
            records = zip(topics, (to_kafka(one.envelope) for one in news), strict=True)
            await self._producer.send_all(
                Outgoing(topic, key, value, tuple(headers)) for topic, (key, value, headers) in records
            )
            await self._ledger.publishing.mark_news_published([one.id for one in news])
        return len(news)

    async def stop(self) -> None:
        """Publish what the worker did last, and let another one go on."""
        await self.turn()
        await self._ledger.publishing.give_back()

    def _records(self, one: Unpublished) -> list[Outgoing]:
        outcome: OutcomeRecord = one.outcome
        records = [Outgoing(self._outcomes, outcome.entity_key.encode(), to_json(outcome))]
        if one.letter is not None:
            letter = one.letter
            headers = dlq_headers(letter, agent=letter.stage, group=self._group, version=self._version)
            key = letter.key if letter.key is not None else letter.subject.encode()
            records.append(Outgoing(self._dead_letters, key, letter.value or b"", tuple(headers)))
            _log.warning(
                "dead letter",
                dlq_id=letter.dlq_id,
                cause=letter.cause,
                stage=letter.stage,
                command_id=outcome.subject,
                tenant=outcome.tenant,
                xero_correlation_id=letter.evidence.xero_correlation_id,
            )
        return records
