"""What the receiver takes on at most, and how it ends."""

import asyncio
import errno
import json
import socket
from collections.abc import Sequence

import aiohttp
import aiohttp.web
import pytest
from structlog.testing import capture_logs

from connectors.base import RecordPosition
from connectors.receiver import Limits, StartError, create_app, serve
from schemas.envelope import STRUCTURED
from schemas.topics import TopicName
from tests.unit.receiver.support import (
    BEARER,
    SHOP,
    Counted,
    FixedClock,
    MemoryPublisher,
    MemoryStatus,
    Running,
    event,
    order,
    running,
)

HEAD = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: {STRUCTURED}\r\nAuthorization: Bearer shop-1-token\r\n"


async def raw_reply(receiver: Running, *parts: bytes, end: bool = False) -> bytes:
    """What the receiver answers to these bytes on a connection of their own, until it closes it."""
    host, _, port = receiver.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        if end:
            writer.write_eof()
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate"])
async def test_a_compressed_body_is_a_415(receiver: Running, encoding: str) -> None:
    head = HEAD + f"Content-Encoding: {encoding}\r\nContent-Length: 5\r\n\r\n"
    reply = await raw_reply(receiver, head.encode(), b"bomb!")
    assert reply.startswith(b"HTTP/1.1 415 ")
    assert b"without Content-Encoding" in reply


async def test_a_body_that_does_not_come_is_a_408() -> None:
    async with running(Limits(body_timeout_s=0.1)) as receiver:
        reply = await raw_reply(receiver, (HEAD + "Content-Length: 100\r\n\r\n{").encode())
        assert reply.startswith(b"HTTP/1.1 408 ")
        assert b"within 0.1 s" in reply
        assert receiver.last == ("unknown", "slow")


async def test_a_body_that_breaks_off_is_not_accepted(receiver: Running) -> None:
    body = json.dumps(event()).encode()
    await raw_reply(receiver, (HEAD + f"Content-Length: {len(body) + 1}\r\n\r\n").encode() + body, end=True)
    assert receiver.publisher.records == []
    assert receiver.last == ("unknown", "unparseable")


async def test_a_broken_chunk_is_not_accepted(receiver: Running, caplog: pytest.LogCaptureFixture) -> None:
    head = (HEAD + "Transfer-Encoding: chunked\r\n\r\n").encode()
    reply = await raw_reply(receiver, head, b"5\r\n{}   \r\nnonsense\r\n")
    assert b" 400 " in reply
    assert receiver.publisher.records == []
    assert caplog.messages == ["HTTP failed: BadHttpMessage"]
    assert "nonsense" not in caplog.text
    assert "127.0.0.1" not in caplog.text


class Gate(MemoryPublisher):
    """A broker that acknowledges when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived = asyncio.Semaphore(0)
        self.open = asyncio.Event()

    async def publish(
        self, topic: TopicName, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> RecordPosition:
        self.arrived.release()
        await self.open.wait()
        return await super().publish(topic, key, value, headers)


async def ready() -> str | None:
    return None


def gated(gate: MemoryPublisher, limits: Limits) -> aiohttp.web.Application:
    return create_app(
        {SHOP.name: SHOP},
        connectors={},
        publisher=gate,
        status=MemoryStatus(),
        metrics=Counted(),
        clock=FixedClock(),
        not_ready=ready,
        limits=limits,
    )


async def send(url: str, http: aiohttp.ClientSession, name: str) -> tuple[int, str]:
    headers = {"Content-Type": STRUCTURED, **BEARER}
    async with http.post(f"{url}/v1/events", json=event(name, data=order(name)), headers=headers) as response:
        return response.status, await response.text()


async def test_requests_beyond_the_limit_are_told_to_come_again() -> None:
    gate = Gate()
    async with (
        serve(gated(gate, Limits(in_flight_max=2)), "127.0.0.1", 0) as (host, port),
        aiohttp.ClientSession() as http,
    ):
        url = f"http://{host}:{port}"
        waiting = [asyncio.create_task(send(url, http, f"evt_{number}")) for number in range(2)]
        for _ in waiting:
            await gate.arrived.acquire()
        status, text = await send(url, http, "evt_3")
        assert (status, json.loads(text)["title"]) == (503, "Too many requests at once")
        async with http.get(f"{url}/healthz") as healthy:
            assert healthy.status == 200
        gate.open.set()
        assert [status for status, _ in await asyncio.gather(*waiting)] == [202, 202]
        assert (await send(url, http, "evt_4"))[0] == 202


async def test_bodies_that_never_come_keep_nobody_out() -> None:
    """Unsigned, slow and more than there is room for: they take their own share, and the oldest of them make room."""
    limits = Limits(in_flight_max=2, unread_max=3)
    async with running(limits) as receiver:
        host, _, port = receiver.url.removeprefix("http://").partition(":")
        slow = [await asyncio.open_connection(host, int(port)) for _ in range(5)]
        for reader, writer in slow:
            writer.write(b"POST /v1/sources/stripe-1 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
            await writer.drain()
            assert not reader.at_eof()
        displaced = [(await asyncio.wait_for(reader.read(), 5)) for reader, _ in slow[:2]]
        assert [answer.partition(b"\r\n")[0] for answer in displaced] == [b"HTTP/1.1 503 Service Unavailable"] * 2
        assert receiver.metrics.requests == [("stripe-1", "overloaded")] * 2
        body = json.dumps(event()).encode()
        whole = HEAD + f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        for parts in ((whole.encode() + body,), (whole.encode(), body[:10], body[10:])):
            assert (await raw_reply(receiver, *parts)).startswith(b"HTTP/1.1 202 "), parts
        for _, writer in slow:
            writer.close()


async def test_no_acknowledgement_in_time_is_a_503() -> None:
    gate = Gate()
    async with (
        serve(gated(gate, Limits(publish_timeout_s=0.05)), "127.0.0.1", 0) as (host, port),
        aiohttp.ClientSession() as http,
    ):
        assert (await send(f"http://{host}:{port}", http, "evt_1"))[0] == 503


async def test_what_is_in_flight_is_answered_at_the_end() -> None:
    gate = Gate()
    async with aiohttp.ClientSession() as http:
        async with serve(gated(gate, Limits()), "127.0.0.1", 0) as (host, port):
            answer = asyncio.create_task(send(f"http://{host}:{port}", http, "evt_1"))
            await gate.arrived.acquire()
            asyncio.get_running_loop().call_later(0.1, gate.open.set)
        assert (await answer)[0] == 202
    async with aiohttp.ClientSession() as later:
        with pytest.raises(aiohttp.ClientConnectorError):
            await send(f"http://{host}:{port}", later, "evt_2")


class Broken(MemoryPublisher):
    """A part that fails in a way that nobody foresaw, with what was sent in its message."""

    async def publish(
        self, topic: TopicName, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> RecordPosition:
        raise RuntimeError(f"cannot store {value!r}")


async def test_an_error_of_ours_is_a_500_and_says_nothing_that_was_sent() -> None:
    with capture_logs() as logs:
        async with (
            serve(gated(Broken(), Limits()), "127.0.0.1", 0) as (host, port),
            aiohttp.ClientSession() as http,
        ):
            status, text = await send(f"http://{host}:{port}", http, "evt_1")
    assert status == 500
    assert "not accepted" in json.loads(text)["detail"]
    [failed] = [entry for entry in logs if entry["event"] == "receiver_failed"]
    assert failed["exception"] == "RuntimeError"
    assert "in publish" in failed["where"]
    assert "Ada Smith" not in text + str(logs)


async def test_the_log_holds_neither_bodies_nor_secrets_nor_ids() -> None:
    with capture_logs() as logs:
        async with running() as receiver:
            await receiver.send_event(event("secret-id"))
            await receiver.send_event(event("secret-id", data={"number": "Ada Smith"}))
            await receiver.send_event(event(), {"Authorization": "Bearer almost-shop-1-token"})
            await receiver.call("GET", "/v1/events/shop-1/secret-id?x=1", headers=BEARER)
    requests = [entry for entry in logs if entry["event"] == "request"]
    assert [(entry["status"], entry["result"]) for entry in requests] == [
        (202, "accepted"),
        (400, "unparseable"),
        (401, "bad_signature"),
        (404, "not_found"),
    ]
    assert requests[3]["route"] == "/v1/events/{source}/{id}"
    for word in ("Ada Smith", "shop-1-token", "secret-id"):
        assert word not in str(logs)


async def test_a_busy_port_is_a_sentence_with_a_remedy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=rf"port {port} of 127.0.0.1 is in use: .* choose another") as caught:
            async with serve(gated(Gate(), Limits()), "127.0.0.1", port):
                raise AssertionError("served a busy port")
    assert caught.value.errno == errno.EADDRINUSE
    assert str(caught.value).startswith("port ")


async def test_a_forbidden_port_is_a_sentence_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    async def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    # The tests may run as root, whom no port is forbidden.
    monkeypatch.setattr(asyncio.get_running_loop(), "create_server", forbidden)
    with pytest.raises(StartError, match=r"needs more rights .* above 1023"):
        async with serve(gated(Gate(), Limits()), "127.0.0.1", 80):
            raise AssertionError("served a forbidden port")


async def test_a_foreign_address_is_a_sentence_with_a_remedy() -> None:
    with pytest.raises(StartError, match="choose an address of this machine"):
        async with serve(gated(Gate(), Limits()), "192.0.2.1", 0):
            raise AssertionError("served a foreign address")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Content-Type: text/\xff\xfe\r\n", b" 415 "),
        (b"Content-Type: text/\xff; a=\xfe\r\nce-specversion: 1.0\r\nce-id: \xff\r\n", b" 400 "),
        (b"Content-Type: application/json\r\nce-specversion: 1.0\r\nce-id: \xff\r\n", b" 400 "),
        (b"Content-Encoding: \xff\xfe\r\n", b" 415 "),
        (b"traceparent: \xff\xfe\r\nContent-Type: application/cloudevents+json\r\n", b" 400 "),
    ],
)
async def test_header_bytes_that_are_no_text_are_told_politely(receiver: Running, head: bytes, status: bytes) -> None:
    start = b"POST /v1/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer shop-1-token\r\n"
    reply = await raw_reply(receiver, start + head + b"Content-Length: 2\r\n\r\n{}")
    assert status in reply.partition(b"\r\n")[0]
    assert json.loads(reply.rpartition(b"\r\n\r\n")[2])["remedy"]
