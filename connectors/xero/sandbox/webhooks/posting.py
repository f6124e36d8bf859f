"""One POST to whoever has subscribed: signed, judged by Xero's rules, never led elsewhere.

An answer is right with the expected status, an empty body and no cookies within 5 seconds (Xero's page "Configuring
your server"). A redirect is a wrong status: nothing is posted but to the address that a person gave.
"""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import msgspec

from connectors.xero.sandbox.clock import Clock

ANSWER_WITHIN_S: Final = 5.0
_POSTS_MAX: Final = 10


def check_address(url: str) -> None:
    """Raises ValueError for what nothing can be posted to."""
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise ValueError(f"a webhook is sent to an http or https address, got {url!r}")


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """One POST: when, the status of its answer (0: there was none), and what was `wrong` with it ("": nothing)."""

    at: datetime
    status: int
    wrong: str


def sign(key: str, body: bytes) -> str:
    """The value of x-xero-signature, and of Shopify's header: base64 of an HMAC-SHA256 over the body."""
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


class Poster:
    """Posts bodies, until the sandbox is being stopped. The time that an answer may take is the sandbox's own."""

    def __init__(self, clock: Clock, is_closing: Callable[[], bool]) -> None:
        self._clock = clock
        self._is_closing = is_closing
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: bytes, signature: str, expected: int = 200) -> Try:
        """Send it once; whatever happens is told in the Try."""
        at = self._clock.now()
        if self._is_closing():
            return Try(at=at, status=0, wrong="no answer: the sandbox is being stopped")
        sending = asyncio.ensure_future(self._send(url, body, signature))
        limit = asyncio.ensure_future(self._clock.sleep(ANSWER_WITHIN_S))
        try:
            await asyncio.wait({sending, limit}, return_when=asyncio.FIRST_COMPLETED)
            status, wrong = sending.result() if sending.done() else (0, f"no answer within {ANSWER_WITHIN_S:g} s")
        finally:
            sending.cancel()
            limit.cancel()
            await asyncio.gather(sending, limit, return_exceptions=True)
        if status not in (0, expected):
            wrong = f"status {status}, expected {expected}"
        return Try(at=at, status=status, wrong=wrong)

    async def _send(self, url: str, body: bytes, signature: str) -> tuple[int, str]:
        headers = {"Content-Type": "application/json; charset=utf-8", "x-xero-signature": signature}
        try:
            async with self._open().post(url, data=body, headers=headers, allow_redirects=False) as answer:
                if "Set-Cookie" in answer.headers:
                    return answer.status, "the answer sets a cookie"
                return answer.status, "the answer has a body" if await answer.content.read(1) else ""
        except (aiohttp.ClientError, OSError) as error:
            return 0, f"no answer: {str(error) or type(error).__name__}"

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            # A connection for each POST: one that is kept would break when its receiver is started again.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_POSTS_MAX, force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._session

    async def close(self) -> None:
        """Cut what is under way."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()
