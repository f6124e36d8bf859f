"""Asking a source's API: only ever its configured address, with bounded time and size, and errors in plain words."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import aiohttp

from connectors.base import Secret
from schemas.codec import Refused, load_json, shorten

_TIMEOUT_S: Final = 30.0
BYTES_MAX: Final = 10_000_000
_USER_AGENT: Final = "Ledgerstream"


class SourceUnavailable(Exception):
    """The API does not answer, or says that it is asked too much. `retry_after_s`: when it said to come again."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class SourceRefused(Exception):
    """The API will not answer however often it is asked. `remedy` is for the person who can change that."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class Fetcher:
    """Requests to one API. Redirects are not followed: they could lead a token to another host."""

    def __init__(self, session: aiohttp.ClientSession, base: str, *, timeout_s: float = _TIMEOUT_S) -> None:
        self._session = session
        self._base = base.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    @property
    def host(self) -> str:
        """The host that is asked."""
        return urlsplit(self._base).hostname or ""

    async def get(
        self, path: str, query: Mapping[str, str] | None = None, *, headers: Mapping[str, str] | None = None
    ) -> Any:
        """The JSON at a path below the base address (`/v1/events`)."""
        return await self._ask("GET", path, query, headers, None)

    async def post(
        self,
        path: str,
        body: Any = None,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The JSON that a POST of `body` (as JSON) or of `form` answers."""
        data: Any = {"json": body} if form is None else {"data": dict(form)}
        return await self._ask("POST", path, None, headers, data)

    async def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        data: Mapping[str, Any] | None,
    ) -> Any:
        if not path.startswith("/") or path.startswith("//"):
            raise ValueError(f"a path below {self._base} begins with one slash: {path}")
        url = self._base + path + (f"?{urlencode(query)}" if query else "")
        sent = {"User-Agent": _USER_AGENT, "Accept": "application/json", **(headers or {})}
        try:
            async with self._session.request(
                method, url, headers=sent, timeout=self._timeout, allow_redirects=False, **(data or {})
            ) as response:
                body = await _read(response)
                _check(response, body, self.host)
                return load_json(body, BYTES_MAX)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise SourceUnavailable(f"{self.host} does not answer: {error!r}") from None
        except Refused as error:
            raise SourceUnavailable(f"{self.host} answered what is not JSON: {error.value}") from None


def bearer(token: Secret) -> Mapping[str, str]:
    """The header of an API that takes bearer tokens."""
    return {"Authorization": f"Bearer {token.reveal()}"}


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for part in response.content.iter_chunked(65_536):
        body += part
        if len(body) > BYTES_MAX:
            raise SourceUnavailable(f"{response.url.host} answered more than {BYTES_MAX} bytes")
    return body


def _check(response: aiohttp.ClientResponse, body: bytes, host: str) -> None:
    status = response.status
    if 200 <= status < 300:
        return
    said = shorten(body[:300].decode(errors="replace"))
    if status == 429 or status >= 500:
        raise SourceUnavailable(f"{host} answered {status}: {said}", _retry_after_s(response))
    if status in (401, 403):
        raise SourceRefused(
            f"{host} answered {status}: {said}",
            "Put a token that is valid and may read there where sources.yaml says (api: token); it is taken over at "
            "once.",
        )
    raise SourceRefused(
        f"{host} answered {status}: {said}", "Compare the source's api: url in sources.yaml with its documentation."
    )


def _retry_after_s(response: aiohttp.ClientResponse) -> float | None:
    try:
        return max(0.0, float(response.headers["Retry-After"]))
    except (KeyError, ValueError):
        return None
