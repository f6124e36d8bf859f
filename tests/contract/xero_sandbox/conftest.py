"""A served sandbox with a thread and loop of its own, and the SDK signed in to it."""

import asyncio
import gc
import threading
import warnings
from collections.abc import Iterator

import pytest
from xero_python.api_client.oauth2 import TokenApi

from connectors.xero.sandbox import Address, Sandbox
from tests.contract.xero_sandbox.sdk import Sdk, Served


@pytest.fixture
def served() -> Iterator[Served]:
    sandbox = Sandbox()
    started, stop = threading.Event(), asyncio.Event()
    found: list[tuple[asyncio.AbstractEventLoop, Address]] = []

    async def serve() -> None:
        async with sandbox.serve() as address:
            found.append((asyncio.get_running_loop(), address))
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert started.wait(10)
    loop, address = found[0]
    yield Served(sandbox, address)
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    assert not thread.is_alive()


@pytest.fixture
def sdk(served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sdk]:
    for name, path in (
        ("client_credentials_token_url", "token"),
        ("refresh_token_url", "token"),
        ("revoke_token_url", "revocation"),
    ):
        monkeypatch.setattr(TokenApi, name, f"{served.address.identity_url}/connect/{path}")
    sdk = Sdk(served)
    sdk.sign_in()
    yield sdk
    sdk.close()
    with warnings.catch_warnings():
        # The SDK leaves sockets behind, which are collected in whichever test comes later.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect(1)
