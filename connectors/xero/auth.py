"""Access tokens: one holder per token set, kept until a minute before they end, asked for by one task at a time.

Facts 7. A custom connection asks by client id and secret (grant client_credentials), has no refresh token, and its
token lives 30 minutes.
"""

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import aiohttp

from connectors.xero.wire import decode

SCOPES: Final = ("accounting.contacts", "accounting.invoices", "accounting.payments", "accounting.settings.read")
_EARLY_S: Final = 60.0
_LIFE_S: Final = 1800.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=15, connect=5)
_BODY_BYTES_MAX: Final = 100_000
_OTHERWISE: Final = "Connect the organisation to the app again in Xero's developer portal"
_REMEDIES: Final = {
    "invalid_client": "Check LEDGERSTREAM_XERO_CLIENT_ID and LEDGERSTREAM_XERO_CLIENT_SECRET against Xero's developer "
    "portal",
    "invalid_grant": _OTHERWISE,
    "invalid_scope": f"Give the app these scopes in Xero's developer portal: {' '.join(SCOPES)}",
    "unauthorized_client": "The app may not sign in this way: make it a custom connection in Xero's developer portal",
}


class AuthRefused(Exception):
    """Xero gives no token, and asking again will not help. `error` is OAuth's word, `message` the sentence about it,
    `remedy` what a person can do first; what makes us ask again (a resume, a start) is known by who asked."""

    def __init__(self, error: str, remedy: str) -> None:
        self.message = f"Xero gives no access token ({error})"
        super().__init__(f"{self.message}. {remedy}.")
        self.error = error
        self.remedy = remedy


class AuthUnavailable(Exception):
    """The token endpoint cannot be reached, or fails; later it may work."""


class Tokens(Protocol):
    """Where access tokens come from."""

    async def access_token(self) -> str:
        """A token that lives for a while yet. Raises AuthRefused, AuthUnavailable."""
        ...

    def expired(self, token: str) -> None:
        """Xero called this token expired: the next one asked for is a new one."""
        ...


@dataclass(slots=True)
class ClientCredentials:
    """Tokens of a custom connection. `elapsed` gives seconds that pass; `on_result` counts ok, refused, unavailable,
    and `on_token` is told how many seconds a new token lives."""

    session: aiohttp.ClientSession
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    elapsed: Callable[[], float]
    on_result: Callable[[str], None]
    on_token: Callable[[float], None] = lambda life_s: None
    _token: str | None = field(default=None, repr=False)
    _ends: float = 0.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def access_token(self) -> str:
        """The token that is kept, or a new one. Raises AuthRefused, AuthUnavailable."""
        async with self._lock:
            if self._token is None or self.elapsed() >= self._ends - _EARLY_S:
                self._token, life_s = await self._counted()
                self._ends = self.elapsed() + life_s
                self.on_token(life_s)
            return self._token

    def expired(self, token: str) -> None:
        """Forget the token, unless a newer one has come meanwhile."""
        if token == self._token:
            self._token = None

    async def _counted(self) -> tuple[str, float]:
        try:
            found = await self._ask()
        except AuthRefused:
            self.on_result("refused")
            raise
        except AuthUnavailable:
            self.on_result("unavailable")
            raise
        self.on_result("ok")
        return found

    async def _ask(self) -> tuple[str, float]:
        secret = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        form = {"grant_type": "client_credentials", "scope": " ".join(SCOPES)}
        headers = {"Authorization": f"Basic {secret}", "Accept": "application/json"}
        try:
            async with self.session.post(
                self.token_url, data=form, headers=headers, allow_redirects=False, timeout=_TIMEOUT
            ) as response:
                body = await response.content.read(_BODY_BYTES_MAX)
                return _read(response.status, body)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise AuthUnavailable(f"{self.token_url} cannot be reached: {type(error).__name__}") from None


def _read(status: int, body: bytes) -> tuple[str, float]:
    try:
        answer: Any = decode(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise AuthUnavailable(f"the token endpoint answered {status} without JSON")
    token, life = answer.get("access_token"), answer.get("expires_in")
    if status == 200 and isinstance(token, str) and token:
        return token, float(life) if isinstance(life, int) and life > 0 else _LIFE_S
    error = str(answer.get("error") or f"status {status}")
    if status in (400, 401, 403):
        raise AuthRefused(error, _REMEDIES.get(error, _OTHERWISE))
    raise AuthUnavailable(f"the token endpoint answered {status}")
