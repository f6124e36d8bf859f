"""The outside world: a shop, a CRM and a job system that send CloudEvents, and Stripe that sends webhooks.

They know the receiver's address, their own secret, and `deploy/docs/receiver.md`; nothing of ours is used.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from streams.demo import DemoFailed
from streams.demo.events import Event
from streams.demo.home import Credential

KafkaSend = Callable[[Event], Awaitable[None]]
_BATCH: Final = 40
_WAVE: Final = 120
_AT_ONCE: Final = 12
_TRIES: Final = 9
_PAUSE_S: Final = 0.1
_CLOUD_EVENT: Final = "application/cloudevents+json"
_CLOUD_EVENTS: Final = "application/cloudevents-batch+json"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that was not accepted, with the status and the problem details that the receiver gave."""

    event: Event
    status: int
    problem: Mapping[str, Any]


@dataclass(slots=True)
class Log:
    """The demo's own book-keeping: what was answered 2xx (or acknowledged by Kafka), and what was refused."""

    accepted: list[Event] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


class NotAnswered(DemoFailed):
    """The receiver did not take a request after several tries."""


class World:
    """All senders. `log` is what the oracle believes."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        receiver: str,
        credentials: Mapping[str, Credential],
        kafka: KafkaSend,
    ) -> None:
        self.log = Log()
        self._session = session
        self._receiver = receiver
        self._credentials = credentials
        self._kafka = kafka
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def send(self, events: Sequence[Event], sent: Callable[[int], None]) -> None:
        """Send in waves; within a wave everything is under way at once, as it is in life. `sent` hears the count."""
        for start in range(0, len(events), _WAVE):
            wave = events[start : start + _WAVE]
            async with asyncio.TaskGroup() as group:
                for work in self._deliveries(wave):
                    group.create_task(work)
            sent(min(start + _WAVE, len(events)))

    def _deliveries(self, wave: Sequence[Event]) -> Iterable[Any]:
        for event in wave:
            match event.way:
                case "single":
                    yield self._single(event)
                case "webhook":
                    yield self._webhook(event)
                case "kafka":
                    yield self._straight_into_kafka(event)
                case "batch":
                    pass
        for source in sorted({event.source for event in wave if event.way == "batch"}):
            batch = [event for event in wave if event.way == "batch" and event.source == source]
            for start in range(0, len(batch), _BATCH):
                yield self._batch(source, batch[start : start + _BATCH])

    async def _single(self, event: Event) -> None:
        body = json.dumps(event.document).encode()
        status, answer = await self._post("/v1/events", body, _CLOUD_EVENT, lambda: self._proof(event.source, body))
        self._book(event, status, answer)

    async def _batch(self, source: str, events: Sequence[Event]) -> None:
        body = json.dumps([event.document for event in events]).encode()
        _, answers = await self._post("/v1/events", body, _CLOUD_EVENTS, lambda: self._proof(source, body))
        again = []
        for event, answer in zip(events, answers, strict=True):
            if answer["status"] == 503:
                again.append(event)
            else:
                self._book(event, answer["status"], answer.get("problem", {}))
        if again:
            await self._batch(source, again)

    async def _webhook(self, event: Event) -> None:
        body = json.dumps(event.document).encode()

        def signed() -> dict[str, str]:
            # Stripe's own scheme: HMAC-SHA256 over time, a dot and the raw body.
            return {"Stripe-Signature": _signature(self._credentials[event.source].secret, body)}

        status, answer = await self._post(f"/v1/sources/{event.source}", body, "application/json", signed)
        self._book(event, status, answer)

    async def _straight_into_kafka(self, event: Event) -> None:
        await self._kafka(event)
        self.log.accepted.append(event)

    def _proof(self, source: str, body: bytes) -> dict[str, str]:
        credential = self._credentials[source]
        if credential.signs:
            return {"Ledgerstream-Source": source, "Ledgerstream-Signature": _signature(credential.secret, body)}
        return {"Authorization": f"Bearer {credential.secret}"}

    def _book(self, event: Event, status: int, answer: Mapping[str, Any]) -> None:
        if 200 <= status < 300:
            self.log.accepted.append(event)
        else:
            self.log.refused.append(Refusal(event, status, answer))

    async def _post(
        self, path: str, body: bytes, content_type: str, proof: Callable[[], dict[str, str]]
    ) -> tuple[int, Any]:
        """Send until it is answered with something other than "try again", as a good sender does."""
        for attempt in range(_TRIES):
            headers = {"Content-Type": content_type, **proof()}
            try:
                async with (
                    self._places,
                    self._session.post(self._receiver + path, data=body, headers=headers) as response,
                ):
                    if response.status != 503:
                        return response.status, await response.json(content_type=None)
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(_PAUSE_S * 2**attempt)
        raise NotAnswered(f"{self._receiver}{path} took nothing in {_TRIES} tries")


def _signature(secret: str, body: bytes) -> str:
    at = int(time.time())
    return f"t={at},v1={hmac.new(secret.encode(), f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"
