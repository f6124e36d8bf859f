"""A bare HTTP client of a sandbox in the same loop, for what the SDK cannot show: raw bytes, timing, lost answers."""

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from connectors.xero.sandbox import Address, Sandbox


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class Wire:
    """One signed-in client. Retries nothing: aiohttp's own repetition is avoided by a connection for each call."""

    def __init__(self, sandbox: Sandbox, address: Address, session: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.address = address
        self.session = session
        self.tenant = sandbox.organisations[0].tenant_id
        self.token = ""

    async def sign_in(self) -> None:
        answer = await self.token_call(grant_type="client_credentials")
        self.token = answer.json["access_token"]

    async def token_call(self, **form: str) -> Answer:
        """POST /connect/token, signed with the app's id and secret."""
        return await self.post_form(form)

    async def post_form(self, form: Mapping[str, str], *, basic: bool = True, path: str = "token") -> Answer:
        credentials = self.sandbox.credentials
        pair = base64.b64encode(f"{credentials.client_id}:{credentials.client_secret}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}"} if basic else {}
        url = f"{self.address.identity_url}/connect/{path}"
        async with self.session.post(url, data=form, headers=headers) as response:
            return Answer(response.status, response.headers, await response.read())

    async def call(
        self, method: str, path: str, body: Any = None, *, key: str = "", tenant: str | None = None, **headers: str
    ) -> Answer:
        """One call below /api.xro/2.0; raises aiohttp.ClientError when nobody answers."""
        sent = {
            "Authorization": f"Bearer {self.token}",
            "xero-tenant-id": self.tenant if tenant is None else tenant,
            "Accept": "application/json",
            **({"Idempotency-Key": key} if key else {}),
            **headers,
        }
        data = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        async with self.session.request(
            method, self.address.api_url + path, data=data, headers=sent, middlewares=(_once,)
        ) as response:
            return Answer(response.status, response.headers, await response.read())

    async def admin(self, method: str, path: str, body: Any = None) -> Answer:
        async with self.session.request(method, f"{self.address.base_url}/_sandbox{path}", json=body) as response:
            return Answer(response.status, response.headers, await response.read())

    def names(self) -> list[str]:
        """The active contacts that the books hold."""
        rows = self.sandbox.books(self.tenant)["contacts"]
        return [row["name"] for row in rows if row["status"] == "ACTIVE"]


class NoAnswer(Exception):
    """The server hung up."""


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    # aiohttp repeats idempotent methods by itself when the server hangs up; another error type stops that.
    try:
        return await handler(request)
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
        raise NoAnswer(str(error)) from error


@asynccontextmanager
async def wired(sandbox: Sandbox) -> AsyncIterator[Wire]:
    """A served sandbox with a signed-in client."""
    async with sandbox.serve() as address, aiohttp.ClientSession() as session:
        wire = Wire(sandbox, address, session)
        await wire.sign_in()
        yield wire
