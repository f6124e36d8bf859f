"""A client of Xero for people's verbs, beside the worker's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from connectors.xero.auth import ClientCredentials
from connectors.xero.client import XeroClient
from streams.clock import Clock
from streams.settings import Settings


@asynccontextmanager
async def open_xero(settings: Settings, client_id: str, client_secret: str, clock: Clock) -> AsyncIterator[XeroClient]:
    """A client for a few reads beside a worker. Its calls need tickets like all others."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        tokens = ClientCredentials(
            session=session,
            token_url=f"{str(settings.xero_identity_url).rstrip('/')}/connect/token",
            client_id=client_id,
            client_secret=client_secret,
            elapsed=clock.elapsed,
            on_result=lambda result: None,
        )
        client = XeroClient(str(settings.xero_api_url), tokens, clock.elapsed, _Uncounted())
        await client.start()
        try:
            yield client
        finally:
            await client.close()


class _Uncounted:
    """Nobody looks at the metrics of a command that ends at once."""

    def called(self, endpoint: str, method: str, status: str, seconds: float, answer_bytes: int) -> None:
        pass
