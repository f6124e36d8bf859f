"""The suite's part on what is too much, and on a Kafka that is away."""

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator

from connectors.receiver import Limits
from schemas.codec import BODY_BYTES_MAX
from tests.conformance.case import Case, Clock, keys


class Pressure(Case):
    """Limits of size, rate and time; nothing is said to be there that is not in Kafka."""

    async def test_a_body_over_the_limit_is_refused_before_it_is_sent(self) -> None:
        async with self.receiver() as receiver:
            host, _, port = receiver.url.removeprefix("http://").partition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            lines = [f"{name}: {value}" for name, value in self.headers(b"").items()]
            head = [f"POST {self.path} HTTP/1.1", "Host: x", f"Content-Length: {BODY_BYTES_MAX + 1}", *lines]
            writer.write("\r\n".join([*head, "", ""]).encode())
            answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            writer.close()
            await writer.wait_closed()
            assert answer.startswith(b"HTTP/1.1 413 "), "answered although no byte of the body came"
            assert b"connection: close" in answer.lower()
            assert receiver.last[1] == "too_large"

    async def test_a_body_over_the_limit_is_not_kept_while_it_comes(self) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(BODY_BYTES_MAX // 1000 + 2):
                yield b"x" * 1000

        async with self.receiver() as receiver:
            reply = await receiver.call("POST", self.path, data=chunks(), headers=self.headers(b""))
            assert (reply.status, receiver.publisher.records) == (413, [])
            assert f"at most {BODY_BYTES_MAX} bytes" in reply.json["remedy"]

    async def test_the_sources_own_limit_of_size_holds(self) -> None:
        body = self.samples[0].body
        async with self.receiver(body_bytes_max=len(body)) as receiver:
            assert (await self.post(receiver, body)).status == self.accepted
            reply = await self.post(receiver, body + b" ", self.headers(body + b" "))
            assert (reply.status, receiver.last[1]) == (413, "too_large")

    async def test_a_source_that_comes_too_often_is_told_when_to_come_again(self) -> None:
        clock, body = Clock(), self.samples[0].body
        async with self.receiver(clock=clock, requests_per_minute=2) as receiver:
            for _ in range(10):
                # What is not proven to be the source's does not use up its share.
                await self.post(receiver, body, {"Content-Type": self.content_type})
            for _ in range(2):
                assert (await self.post(receiver, body)).status == self.accepted
            reply = await self.post(receiver, body)
            assert (reply.status, reply.headers["Retry-After"]) == (429, "30")
            assert receiver.last == (self.source.name, "throttled")
            assert len(receiver.publisher.records) == 2
            clock.elapsed_s += 30
            assert (await self.post(receiver, body)).status == self.accepted, "as it was told"
            assert (await self.post(receiver, body)).status == 429

    async def test_while_kafka_is_away_the_source_comes_again(self) -> None:
        body = self.samples[0].body
        headers = self.headers(body)
        async with self.receiver() as receiver:
            receiver.publisher.away = True
            reply = await self.post(receiver, body, headers)
            assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
            assert "send the same request again" in reply.json["remedy"]
            assert receiver.last == (self.source.name, "unavailable")
            receiver.publisher.away = False
            assert (await self.post(receiver, body, headers)).status == self.accepted
            # Kafka may have had the first one all the same, and then has both.
            assert (await self.post(receiver, body, headers)).status == self.accepted
        assert keys(self.heard(receiver)) == list(self.samples[0].keys) * 2

    async def test_the_source_is_answered_while_it_waits(self) -> None:
        body, limits, connector = self.samples[0].body, Limits(publish_timeout_s=0.2), self.connector
        if connector is not None:
            answers = dataclasses.replace(connector.answers, within_s=0.2)
            limits, connector = Limits(), dataclasses.replace(connector, answers=answers)
        async with self.receiver(limits, connector=connector) as receiver:
            receiver.publisher.silent = True
            began_s = time.monotonic()
            assert (await self.post(receiver, body)).status == 503
            assert time.monotonic() - began_s < Limits().publish_timeout_s / 2
