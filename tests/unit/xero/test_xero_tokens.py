"""Tokens: kept, renewed early, asked for once at a time; refusals with a remedy."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from connectors.xero.auth import AuthRefused, AuthUnavailable, ClientCredentials


@dataclass
class Identity:
    """A token endpoint with the answers of a test."""

    answers: list[tuple[int, Any]]
    forms: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    now_s: float = 0.0
    lives: list[float] = field(default_factory=list)

    async def token(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append((request.headers["Authorization"], form))
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return (
            web.Response(status=status, text=body) if isinstance(body, str) else web.json_response(body, status=status)
        )

    @contextlib.asynccontextmanager
    async def credentials(self) -> AsyncIterator[ClientCredentials]:
        app = web.Application()
        app.router.add_post("/connect/token", self.token)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/connect/token"
        async with aiohttp.ClientSession() as session:
            yield ClientCredentials(
                session, url, "id-1", "secret-1", lambda: self.now_s, self.results.append, self.lives.append
            )
        await runner.cleanup()


def granted(token: str) -> tuple[int, dict[str, Any]]:
    return 200, {"access_token": token, "expires_in": 1800, "token_type": "Bearer"}


async def test_a_token_is_asked_for_once_and_renewed_a_minute_early() -> None:
    identity = Identity([granted("one"), granted("two"), granted("three")])
    async with identity.credentials() as tokens:
        assert set(await asyncio.gather(*(tokens.access_token() for _ in range(5)))) == {"one"}
        identity.now_s = 1739.0
        assert await tokens.access_token() == "one"
        identity.now_s = 1740.0
        assert await tokens.access_token() == "two"
        assert identity.lives == [1800, 1800]
        tokens.expired("one")
        assert await tokens.access_token() == "two"
        tokens.expired("two")
        assert await tokens.access_token() == "three"
    assert identity.results == ["ok"] * 3
    authorization, form = identity.forms[0]
    assert authorization == "Basic " + base64.b64encode(b"id-1:secret-1").decode()
    assert form["grant_type"] == "client_credentials"
    assert "accounting.payments" in form["scope"]


@pytest.mark.parametrize("error", ["invalid_client", "invalid_grant", "invalid_scope", "unauthorized_client", "other"])
async def test_a_refusal_says_what_to_do(error: str) -> None:
    identity = Identity([(400, {"error": error})])
    async with identity.credentials() as tokens:
        with pytest.raises(AuthRefused) as refused:
            await tokens.access_token()
    assert refused.value.error == error
    assert f"{refused.value.message}. {refused.value.remedy}." == str(refused.value)
    assert "developer portal" in refused.value.remedy
    assert "secret-1" not in str(refused.value)
    assert "secret-1" not in repr(tokens)
    assert identity.results == ["refused"]


@pytest.mark.parametrize("answer", [(503, "down"), (200, "<html>"), (200, {"token": 1}), (500, {"error": "x"})])
async def test_an_endpoint_that_fails_may_be_tried_again(answer: tuple[int, Any]) -> None:
    identity = Identity([answer, granted("one")])
    async with identity.credentials() as tokens:
        with pytest.raises(AuthUnavailable):
            await tokens.access_token()
        assert await tokens.access_token() == "one"
    assert identity.results == ["unavailable", "ok"]


async def test_an_endpoint_that_is_not_there() -> None:
    results: list[str] = []
    async with aiohttp.ClientSession() as session:
        url = "http://127.0.0.1:9/connect/token"
        tokens = ClientCredentials(session, url, "id", "secret", lambda: 0.0, results.append)
        with pytest.raises(AuthUnavailable, match="cannot be reached"):
            await tokens.access_token()
    assert results == ["unavailable"]
