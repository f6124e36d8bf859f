"""The client against servers that misbehave: one ticket is one request, and what is known is said."""

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from connectors.xero.auth import AuthRefused
from connectors.xero.client import XeroClient
from connectors.xero.ticket import Answer, NoAnswer, Ticket, XeroRequest

NOW = dt.datetime(2026, 11, 24, 9, 0, tzinfo=dt.UTC)


@dataclass
class Token:
    """A token that is always there, or a refusal."""

    refused: AuthRefused | None = None
    forgotten: list[str] = field(default_factory=list)

    async def access_token(self) -> str:
        if self.refused is not None:
            raise self.refused
        return "token-1"

    def expired(self, token: str) -> None:
        self.forgotten.append(token)


@dataclass
class Calls:
    seen: list[tuple[str, str, str]] = field(default_factory=list)

    def called(self, endpoint: str, method: str, status: str, seconds: float, answer_bytes: int) -> None:
        self.seen.append((endpoint, method, status))


def ticket(method: Any = "PUT", *, send_before: float | None = None, timeout_s: float = 5.0, **more: Any) -> Ticket:
    fields: dict[str, Any] = {"path": "/Invoices", "query": (("unitdp", "4"), ("where", 'Name=="A & B"'))}
    if method != "GET":
        fields |= {"body": b'{"Invoices":[]}', "idempotency_key": "key-1"}
    return Ticket(
        call=1,
        root=1,
        purpose="write",
        tenant="uk",
        xero_tenant_id="tenant-1",
        request=XeroRequest(method=method, **{**fields, **more}),
        opened_at=NOW,
        send_before=time.monotonic() + 5 if send_before is None else send_before,
        timeout_s=timeout_s,
        fence=1,
    )


@contextlib.asynccontextmanager
async def client(
    url: str, tokens: Token | None = None, may_leave: Callable[[Ticket], bool] = lambda ticket: True
) -> AsyncIterator[tuple[XeroClient, Calls]]:
    calls = Calls()
    made = XeroClient(url, tokens or Token(), time.monotonic, calls, may_leave)
    await made.start()
    yield made, calls
    await made.close()


@contextlib.asynccontextmanager
async def xero(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/api.xro/2.0"
    await runner.cleanup()


class HangingUp:
    """A server that takes whole requests and hangs up; it answers `good` of them first."""

    def __init__(self, good: int = 0) -> None:
        self.requests = 0
        self._good = good

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                if length:
                    await reader.readexactly(int(length[0].split(b":")[1]))
                self.requests += 1
                if self.requests > self._good:
                    break
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                await writer.drain()
        writer.close()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("good", [0, 1], ids=["a new connection", "one that was used before"])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
async def test_a_server_that_hangs_up_gets_one_request(method: str, good: int) -> None:
    server = HangingUp(good)
    async with server.running() as url, client(url) as (sender, calls):
        for _ in range(good):
            assert isinstance(await sender.send(ticket(method)), Answer)
        outcome = await sender.send(ticket(method))
        assert isinstance(outcome, NoAnswer)
        assert outcome.left
        assert server.requests == good + 1
        assert calls.seen[-1] == ("Invoices", method, "0")


async def test_what_is_left_of_the_apps_minute_is_passed_on() -> None:
    left: list[int] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({}, headers={"X-AppMinLimit-Remaining": "9938"})

    async with xero(handler) as url:
        sender = XeroClient(url, Token(), time.monotonic, Calls(), on_app_minute=left.append)
        await sender.start()
        await sender.send(ticket())
        await sender.close()
    assert left == [9938]


async def test_what_goes_out_and_what_comes_back() -> None:
    seen: list[tuple[str, str, dict[str, str], bytes]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append((request.method, str(request.rel_url), dict(request.headers), await request.read()))
        headers = {
            "Xero-Correlation-Id": "cor-1",
            "X-MinLimit-Remaining": "58",
            "X-DayLimit-Remaining": "4999",
            "X-AppMinLimit-Remaining": "nonsense",
            "Retry-After": "26",
            "X-Rate-Limit-Problem": "App-Minute",
        }
        return web.Response(status=429, headers=headers)

    async with xero(handler) as url, client(url) as (sender, _):
        answer = await sender.send(ticket(modified_since=NOW))
    assert isinstance(answer, Answer)
    assert (answer.status, answer.correlation_id, answer.minute_remaining) == (429, "cor-1", 58)
    assert (answer.day_remaining, answer.app_minute_remaining) == (4999, None)
    assert (answer.retry_after_s, answer.rate_limit_problem) == (26.0, "appminute")
    ((method, path, headers, body),) = seen
    assert (method, body) == ("PUT", b'{"Invoices":[]}')
    assert path.startswith("/api.xro/2.0/Invoices?unitdp=4&where=")
    assert "%26" in path
    assert headers["Authorization"] == "Bearer token-1"
    assert headers["xero-tenant-id"] == "tenant-1"
    assert headers["Idempotency-Key"] == "key-1"
    assert headers["Accept"] == "application/json"
    assert headers["If-Modified-Since"] == "2026-11-24T09:00:00"
    assert "gzip" in headers["Accept-Encoding"]
    assert headers["User-Agent"].startswith("ledgerstream/")


async def test_redirects_are_answers_and_cookies_are_not_kept() -> None:
    seen: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Cookie", ""))
        response = web.Response(status=302, headers={"Location": "/elsewhere"})
        response.set_cookie("a", "b")
        return response

    async with xero(handler) as url, client(url) as (sender, _):
        for _ in range(2):
            answer = await sender.send(ticket())
            assert isinstance(answer, Answer)
            assert answer.status == 302
    assert seen == ["", ""]


async def test_nothing_leaves_when_its_time_is_over() -> None:
    requests = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal requests
        requests += 1
        return web.json_response({})

    async with xero(handler) as url, client(url) as (sender, _):
        late = await sender.send(ticket(send_before=time.monotonic() - 1))
        assert late == NoAnswer(left=False, detail="its time was over before it could be sent")
        # And on a connection that is there already.
        assert isinstance(await sender.send(ticket()), Answer)
        assert await sender.send(ticket(send_before=time.monotonic() - 1)) == late
        # A refused request gives its connection back.
        assert isinstance(await sender.send(ticket()), Answer)
    assert requests == 2


async def test_nothing_leaves_without_enough_of_the_lease() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        raise AssertionError

    async with xero(handler) as url, client(url, may_leave=lambda ticket: False) as (sender, _):
        outcome = await sender.send(ticket())
        assert isinstance(outcome, NoAnswer)
        assert not outcome.left


async def test_a_refused_connection_proves_that_nothing_left() -> None:
    async with xero(_never) as url:
        pass
    async with client(url) as (sender, _):
        outcome = await sender.send(ticket())
        assert isinstance(outcome, NoAnswer)
        assert not outcome.left


async def _never(request: web.Request) -> web.StreamResponse:
    raise AssertionError


async def test_a_server_that_is_silent_is_left_after_the_timeout() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    async with xero(handler) as url, client(url) as (sender, _):
        started = time.monotonic()
        outcome = await sender.send(ticket(timeout_s=0.3))
        assert isinstance(outcome, NoAnswer)
        assert outcome.left
        assert time.monotonic() - started < 2


async def test_an_answer_without_end_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.xero.client.ANSWER_BYTES_MAX", 1000)

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"x" * 5000)

    async with xero(handler) as url, client(url) as (sender, _):
        outcome = await sender.send(ticket())
        assert isinstance(outcome, NoAnswer)
        assert outcome.left


async def test_a_401_makes_the_token_forgotten() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=401)

    tokens = Token()
    async with xero(handler) as url, client(url, tokens) as (sender, _):
        await sender.send(ticket())
    assert tokens.forgotten == ["token-1"]


async def test_without_a_token_nothing_is_sent() -> None:
    refusal = AuthRefused("invalid_client", "Check them")
    async with xero(_never) as url, client(url, Token(refusal)) as (sender, _):
        with pytest.raises(AuthRefused, match="invalid_client"):
            await sender.authorise()
        with pytest.raises(AuthRefused):
            await sender.send(ticket())


async def test_the_log_names_the_call_and_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({"Name": "John Smith"}, headers={"Xero-Correlation-Id": "cor-1"})

    async with xero(handler) as url, client(url) as (sender, _):
        await sender.send(ticket())
    logged = capsys.readouterr().out
    assert "cor-1" in logged
    for secret in ("token-1", "John Smith", '{"Invoices"'):
        assert secret not in logged
