"""The sandbox as one object: in-process for tests and the demo, or served until it is stopped."""

import asyncio
import contextlib
import errno
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from aiohttp import web

from connectors.xero.sandbox import app, report, seed
from connectors.xero.sandbox.calls import CallRecord
from connectors.xero.sandbox.clock import Clock, SystemClock
from connectors.xero.sandbox.engine import Engine
from connectors.xero.sandbox.faults import Fault
from connectors.xero.sandbox.oauth import Credentials
from connectors.xero.sandbox.problems import SandboxError
from connectors.xero.sandbox.state import StateFile
from connectors.xero.sandbox.switches import Switches
from connectors.xero.sandbox.webhooks.posting import check_address
from connectors.xero.sandbox.webhooks.webhook import Webhook
from connectors.xero.sandbox.wire import Json


@dataclass(frozen=True, slots=True)
class SeededOrganisation:
    """A ready-made organisation."""

    tenant_id: str
    name: str
    currency: str
    zone: str
    short_code: str


@dataclass(frozen=True, slots=True)
class Address:
    """Where a served sandbox answers. `api_url` ends with "/api.xro/2.0" and no slash."""

    base_url: str

    @property
    def api_url(self) -> str:
        return f"{self.base_url}/api.xro/2.0"

    @property
    def identity_url(self) -> str:
        return self.base_url

    @property
    def connections_url(self) -> str:
        return f"{self.base_url}/connections"


class Sandbox:
    """A Xero of one's own.

    `speed` lets the windows of the limits run that many times faster. `state_path` keeps the books across restarts.
    `new_id` gives ids (uuid4 texts unless a test passes its own). Raises SandboxError for a corrupt state file.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        switches: Switches | None = None,
        state_path: Path | None = None,
        speed: float = 1.0,
        new_id: Callable[[], str] | None = None,
    ) -> None:
        if speed <= 0:
            raise SandboxError(f"the speed must be above 0, got {speed}: 1 is Xero's own pace")
        self._engine = Engine(
            books=seed.books(),
            credentials=seed.credentials(),
            clock=clock or SystemClock(),
            switches=switches or Switches(),
            speed=speed,
            new_id=new_id or (lambda: str(uuid.uuid4())),
        )
        # Set when a served sandbox cannot go on saving; leaving `serve` then raises the SandboxError.
        self.stopped = asyncio.Event()
        self._state = StateFile(state_path, self._engine) if state_path else None
        if self._state:
            self._state.load()

    @property
    def credentials(self) -> Credentials:
        return self._engine.oauth.credentials

    @property
    def organisations(self) -> list[SeededOrganisation]:
        """The British one first, then the Irish one."""
        rows = [book.organisation for book in self._engine.books.values()]
        return [
            SeededOrganisation(row.tenant_id, row.name, row.base_currency, row.zone, row.short_code) for row in rows
        ]

    @property
    def switches(self) -> Switches:
        return self._engine.switches

    @switches.setter
    def switches(self, switches: Switches) -> None:
        self._engine.switches = switches

    @property
    def webhook(self) -> Webhook:
        """The app's webhook, to subscribe to, misbehave with and look at."""
        return self._engine.webhook

    @property
    def calls(self) -> list[CallRecord]:
        """Every call of the accounting API so far, oldest first."""
        return list(self._engine.calls.records)

    @property
    def throttled(self) -> dict[str, int]:
        """How many 429s were "ordered" by a fault and how many "earned"."""
        counts = self._engine.calls.throttled
        return {"ordered": counts["ordered"], "earned": counts["earned"]}

    def order(self, fault: Fault) -> None:
        """Let `fault` act upon a later call."""
        self._engine.faults.order(fault)

    def clear_faults(self) -> None:
        self._engine.faults.clear()

    def books(self, tenant_id: str) -> Json:
        """The books of one organisation as plain JSON with decimal strings; see `report.books`."""
        return report.books(self._engine.books[tenant_id])

    def set_organisation(self, tenant_id: str, **changes: object) -> None:
        """Change lock dates (`period_lock_date`, `end_of_year_lock_date`), `adviser` or `offline`."""
        self._engine.change_organisation(self._engine.books[tenant_id], **changes)

    def app(self) -> web.Application:
        """The HTTP application, for a runner of one's own; `serve` brings its own."""
        return app.build(self._engine)

    @contextlib.asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Address]:
        """Serve until the block is left. Port 0: a free one. Raises SandboxError when the port is taken."""
        runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=1.0, handler_cancellation=False)
        await runner.setup()
        try:
            await _start(runner, host, port)
            address = Address(f"http://{host}:{runner.addresses[0][1]}")
            self._engine.api_url = address.api_url
            async with self._saving():
                yield address
                # Calls in progress end before the last save.
                await runner.cleanup()
        finally:
            await runner.cleanup()

    @contextlib.asynccontextmanager
    async def _saving(self) -> AsyncIterator[None]:
        if self._state is None:
            yield
            return
        with self._state.owned():
            stop = asyncio.Event()
            saver = asyncio.create_task(self._state.run(stop))
            saver.add_done_callback(lambda _task: self.stopped.set())
            try:
                yield
            finally:
                stop.set()
                await saver

    def describe(self, address: Address) -> Json:
        """What a client must know to connect."""
        return {
            "client_id": self.credentials.client_id,
            "client_secret": self.credentials.client_secret,
            "organisations": [
                {"tenant_id": row.tenant_id, "name": row.name, "currency": row.currency} for row in self.organisations
            ],
            "api_url": address.api_url,
            "identity_url": address.identity_url,
            "connections_url": address.connections_url,
            "admin_url": f"{address.base_url}/_sandbox",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run a sandbox as a process of its own. `webhooks_to` and `webhooks_key` ("": none) subscribe a webhook, as
    soon as its receiver answers. Raises ValueError for one without the other, or an address that is none."""

    host: str = "127.0.0.1"
    port: int = 0
    state_path: Path | None = None
    speed: float = 1.0
    switches: Switches = field(default_factory=Switches)
    webhooks_to: str = ""
    webhooks_key: str = ""
    as_json: bool = False

    def __post_init__(self) -> None:
        if bool(self.webhooks_to) != bool(self.webhooks_key):
            raise ValueError("a webhook needs both its address and its key")
        if self.webhooks_to:
            check_address(self.webhooks_to)


async def main_async(options: Options) -> int:
    """Serve until SIGINT or SIGTERM, after saying how to connect; the exit code. Raises SandboxError."""
    sandbox = Sandbox(switches=options.switches, state_path=options.state_path, speed=options.speed)
    stop = sandbox.stopped
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        async with sandbox.serve(options.host, options.port) as address:
            if options.webhooks_to:
                sandbox.webhook.insist(options.webhooks_to, options.webhooks_key)
            sys.stdout.write(_announcement(sandbox.describe(address), as_json=options.as_json))
            sys.stdout.flush()
            await stop.wait()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    return 0


async def run_forever(
    port: int = 0,
    state_path: Path | None = None,
    speed: float = 1.0,
    switches: Switches | None = None,
    *,
    as_json: bool = False,
) -> int:
    """`main_async` with its options spelled out."""
    return await main_async(
        Options(port=port, state_path=state_path, speed=speed, switches=switches or Switches(), as_json=as_json)
    )


def _announcement(description: Json, *, as_json: bool) -> str:
    if as_json:
        return orjson.dumps(description).decode() + "\n"
    lines = ["A Xero of your own is running. Stop it with Ctrl-C.", ""]
    lines += [f"  client id      {description['client_id']}", f"  client secret  {description['client_secret']}"]
    for row in description["organisations"]:
        lines.append(f"  tenant id      {row['tenant_id']}  {row['name']}, {row['currency']}")
    lines += [
        f"  API            {description['api_url']}",
        f"  sign-in        {description['identity_url']}/connect/token",
    ]
    lines += [f"  admin          {description['admin_url']}/"]
    return "\n".join(lines) + "\n"


async def _start(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OverflowError:
        raise SandboxError(f"port {port} does not exist: choose one from 0 to 65535 with --port") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SandboxError(
                f"port {port} on {host} is taken: stop what uses it, or choose another with --port"
            ) from None
        raise SandboxError(f"cannot listen on {host}:{port}: {error.strerror or error}") from None
