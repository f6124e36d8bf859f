"""The one way out to Xero: a Ticket goes out once, and an answer or none comes back.

It never repeats a request, and keeps aiohttp from doing so: that library sends GET and PUT a second time by itself when
the server hangs up (facts 9), and a PUT is how Xero creates. Settling and retrying belong to the sender.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any, Final, Protocol

import aiohttp
import structlog
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from yarl import URL

from connectors.xero.answers import window_of
from connectors.xero.auth import Tokens
from connectors.xero.ticket import Answer, NoAnswer, Ticket

USER_AGENT: Final = f"ledgerstream/{version('ledgerstream')}"
ANSWER_BYTES_MAX: Final = 32_000_000
_CONNECT_S: Final = 5.0
_PER_HOST: Final = 50
_PLAIN: Final = re.compile(r"^\d{1,9}(\.\d{1,6})?$")
# Two days: longer than any window of Xero's.
_NUMBER_MAX: Final = 172_800.0
_log = structlog.get_logger()


class CallMetrics(Protocol):
    """What is counted of calls. Statuses are texts; "0" is no answer."""

    def called(self, endpoint: str, method: str, status: str, seconds: float, answer_bytes: int) -> None: ...


class _Late(Exception):
    """The ticket's time is over; the request has not left."""


class _HungUp(Exception):
    """The connection broke. In place of aiohttp's own errors, upon which it would send once more."""


@dataclass(frozen=True, slots=True)
class _Leaving:
    """What is checked last, when the connection is there and nothing has been written to it."""

    ticket: Ticket
    may_leave: Callable[[Ticket], bool]


class XeroClient:
    """Sends tickets to one base address. One session serves all organisations of a process.

    `elapsed` is the clock that tickets are measured with (CLOCK_BOOTTIME); `may_leave` is asked at the last moment
    whether the lease still lasts; `on_app_minute` is told how many calls Xero says are left of the app's own minute.
    """

    def __init__(
        self,
        api_url: str,
        tokens: Tokens,
        elapsed: Callable[[], float],
        metrics: CallMetrics,
        may_leave: Callable[[Ticket], bool] = lambda ticket: True,
        on_app_minute: Callable[[int], None] = lambda calls: None,
    ) -> None:
        self._base = URL(api_url.rstrip("/"))
        self._tokens = tokens
        self._elapsed = elapsed
        self._metrics = metrics
        self._may_leave = may_leave
        self._on_app_minute = on_app_minute
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the session. Must run in the event loop that sends."""
        trace = aiohttp.TraceConfig()
        trace.on_connection_reuseconn.append(self._last_check)
        trace.on_connection_create_end.append(self._last_check)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, limit_per_host=_PER_HOST),
            trace_configs=[trace],
            middlewares=(_once,),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
        )

    async def close(self) -> None:
        """Close the session and its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def authorise(self) -> None:
        """Have a token at hand, so that no ticket waits for one. Raises AuthRefused, AuthUnavailable."""
        await self._tokens.access_token()

    async def send(self, ticket: Ticket) -> Answer | NoAnswer:
        """Send the request once. Raises AuthRefused and AuthUnavailable before anything left, nothing else."""
        token = await self._tokens.access_token()
        started = time.monotonic()
        outcome = await self._exchange(ticket, token)
        seconds = time.monotonic() - started
        if isinstance(outcome, Answer) and outcome.status == 401:
            self._tokens.expired(token)
        self._note(ticket, outcome, seconds)
        return outcome

    async def _exchange(self, ticket: Ticket, token: str) -> Answer | NoAnswer:
        assert self._session is not None, "start() comes before send()"
        request = ticket.request
        timeout = aiohttp.ClientTimeout(
            total=ticket.timeout_s, connect=min(_CONNECT_S, ticket.timeout_s), sock_read=ticket.timeout_s
        )
        left = _Left()
        try:
            async with self._session.request(
                request.method,
                self._url(ticket),
                data=request.body or None,
                headers=_headers(ticket, token),
                allow_redirects=False,
                timeout=timeout,
                trace_request_ctx=SimpleNamespace(leaving=_Leaving(ticket, self._may_leave), left=left),
            ) as response:
                body = await _bounded(response)
                return _answer(response, body)
        except _Late:
            return NoAnswer(left=False, detail="its time was over before it could be sent")
        except aiohttp.ClientConnectorError as error:
            return NoAnswer(left=False, detail=f"no connection to Xero: {type(error).__name__}")
        except (_HungUp, aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            words = f"no answer: {type(error).__name__}" if not isinstance(error, _HungUp) else f"no answer: {error}"
            return NoAnswer(left=left.connected, detail=words)

    async def _last_check(self, session: aiohttp.ClientSession, context: Any, params: Any) -> None:
        """Runs when a connection was found or made, before the first byte."""
        given = context.trace_request_ctx
        leaving: _Leaving = given.leaving
        if self._elapsed() > leaving.ticket.send_before or not leaving.may_leave(leaving.ticket):
            raise _Late
        given.left.connected = True

    def _url(self, ticket: Ticket) -> URL:
        url = self._base.joinpath(*[part for part in ticket.request.path.split("/") if part])
        return url.with_query(list(ticket.request.query))

    def _note(self, ticket: Ticket, outcome: Answer | NoAnswer, seconds: float) -> None:
        endpoint = ticket.request.path.split("/")[1]
        status = str(outcome.status) if isinstance(outcome, Answer) else "0"
        size = len(outcome.body) if isinstance(outcome, Answer) else 0
        self._metrics.called(endpoint, ticket.request.method, status, seconds, size)
        if isinstance(outcome, Answer) and outcome.app_minute_remaining is not None:
            self._on_app_minute(outcome.app_minute_remaining)
        _log.info(
            "call",
            call=ticket.call,
            purpose=ticket.purpose,
            tenant=ticket.tenant,
            endpoint=endpoint,
            method=ticket.request.method,
            status=status,
            seconds=round(seconds, 3),
            xero_correlation_id=outcome.correlation_id if isinstance(outcome, Answer) else None,
            reason=outcome.detail if isinstance(outcome, NoAnswer) else None,
        )


@dataclass(slots=True)
class _Left:
    """Whether a connection was there: from then on nobody can say that nothing reached Xero."""

    connected: bool = False


async def _once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """aiohttp repeats idempotent methods upon exactly these two errors; upon ours it does not."""
    try:
        return await handler(request)
    except aiohttp.ServerDisconnectedError as error:
        raise _HungUp("the server hung up") from error
    except aiohttp.ClientConnectorError:
        raise
    except aiohttp.ClientOSError as error:
        raise _HungUp("the connection broke") from error


def _headers(ticket: Ticket, token: str) -> dict[str, str]:
    request = ticket.request
    headers = {"Authorization": f"Bearer {token}", "xero-tenant-id": ticket.xero_tenant_id}
    if request.body:
        headers["Content-Type"] = "application/json"
    if request.idempotency_key is not None:
        headers["Idempotency-Key"] = request.idempotency_key
    if request.modified_since is not None:
        headers["If-Modified-Since"] = request.modified_since.strftime("%Y-%m-%dT%H:%M:%S")
    return headers


async def _bounded(response: ClientResponse) -> bytes:
    """The body; ValueError when it is larger than any answer that we can have asked for."""
    parts, size = [], 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > ANSWER_BYTES_MAX:
            raise ValueError(f"an answer of more than {ANSWER_BYTES_MAX} bytes")
        parts.append(part)
    return b"".join(parts)


def _answer(response: ClientResponse, body: bytes) -> Answer:
    headers = response.headers
    return Answer(
        status=response.status,
        body=body,
        content_type=headers.get("Content-Type"),
        correlation_id=headers.get("Xero-Correlation-Id"),
        retry_after_s=_number(headers.get("Retry-After")),
        rate_limit_problem=window_of(problem) if (problem := headers.get("X-Rate-Limit-Problem")) else None,
        minute_remaining=_whole(headers.get("X-MinLimit-Remaining")),
        day_remaining=_whole(headers.get("X-DayLimit-Remaining")),
        app_minute_remaining=_whole(headers.get("X-AppMinLimit-Remaining")),
        www_authenticate=headers.get("WWW-Authenticate"),
    )


def _number(text: str | None) -> float | None:
    """A header's seconds or count; what is no plain number is no reading."""
    return min(float(text), _NUMBER_MAX) if text is not None and _PLAIN.match(text) else None


def _whole(text: str | None) -> int | None:
    number = _number(text)
    return None if number is None else int(number)
