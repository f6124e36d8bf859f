"""Everything that the demo runs: Kafka, the sandbox, the receiver and the worker, each a process of its own."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from schemas.topics import PREFIX
from streams.demo.home import IRISH, TENANT, Home
from streams.demo.processes import Part, PartFailed, command_line, free_port, run
from streams.demo.teller import Teller
from streams.kafka import local
from streams.settings import ENV_PREFIX, variable_of

# Calls to the sandbox take milliseconds; with Xero's own 30 s the demo would wait a minute for an answer that was cut.
_XERO_TIMEOUT_S: Final = "5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`kafka`: a broker that is there already; else one is started, in a container of `kafka_image` or on Java.
    `shared` holds the jars that all runs share."""

    speed: float
    kafka: str | None
    kafka_image: str | None
    shared: Path
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What runs, and where. `environment` is that of the parts and of every command typed against them.
    `xero_tenants` are the ids of the organisations by the names of their files."""

    environment: Mapping[str, str]
    bootstrap: str
    topic_prefix: str
    receiver: str
    metrics: str
    sandbox: Mapping[str, Any]
    xero_tenants: Mapping[str, str]
    worker: Part
    others: Sequence[Part]

    async def start_worker(self) -> None:
        """Start the worker, and wait until it is ready. Raises PartFailed."""
        await self.worker.start()
        await self.worker.ready(self.metrics.replace("/metrics", "/readyz"))

    async def keep_up(self, told: Callable[[str], None]) -> None:
        """Start the worker again where it has ended, as a supervisor would. Raises PartFailed for any other part, and
        where the worker does not become ready."""
        for part in self.others:
            part.check()
        if self.worker.has_ended:
            told("The worker has ended; it is started again, as a supervisor would.")
            await self.start_worker()
            told("The worker is ready again: what it had begun is settled, and the rest goes on.")

    def check(self) -> None:
        """Raises PartFailed if a part has ended."""
        for part in (self.worker, *self.others):
            part.check()

    def exports(self) -> list[str]:
        """What to type before using the command line against this stage."""
        ours = {name for name in self.environment if name.startswith(ENV_PREFIX)}
        ours.add(variable_of("kafka_bootstrap_servers"))
        return [f"export {name}={self.environment[name]}" for name in sorted(ours)]


@asynccontextmanager
async def set_up(home: Home, options: Options, base: Mapping[str, str], teller: Teller) -> AsyncIterator[Stage]:
    """Start all parts but the worker, and stop all in the opposite order. Raises PartFailed, KafkaError."""
    async with AsyncExitStack() as stack:
        with teller.step("Kafka") as done:
            running = local.running(options.shared, bootstrap=options.kafka, image=options.kafka_image)
            bootstrap = await stack.enter_async_context(running)
            done(f"at {bootstrap}")
        logs = home.folder / "logs"
        logs.mkdir()
        environment = _environment(home, options, base, bootstrap)
        with teller.step("Xero's sandbox") as done:
            arguments = ["sandbox", "xero", "--port", "0", "--speed", f"{options.speed:g}", "--json"]
            sandbox_part = await _started(stack, Part("sandbox", arguments, environment, logs))
            sandbox = json.loads(await sandbox_part.first_line())
            done(f"at {sandbox['identity_url']}, its minute takes {60 / options.speed:g} s")
        environment |= _of_xero(home, sandbox)
        with teller.step("Topics") as done:
            code, out, err = await run([command_line(), "topics", "--json"], environment)
            if code:
                raise PartFailed(f"The topics could not be created: {err or out}")
            done(f"{len(json.loads(out))} are there")
        receiver, metrics = _addresses(environment)
        worker_part, receiver_part = (Part(name, [name], environment, logs) for name in ("worker", "receiver"))
        with teller.step("Receiver") as done:
            await _started(stack, receiver_part)
            await receiver_part.ready(f"{receiver}/readyz")
            done(f"at {receiver}")
        stack.push_async_callback(worker_part.stop)
        yield Stage(
            environment=environment,
            bootstrap=bootstrap,
            topic_prefix=environment[variable_of("topic_prefix")],
            receiver=receiver,
            metrics=f"{metrics}/metrics",
            sandbox=sandbox,
            xero_tenants={
                name: _organisation(sandbox, home.document(name)["base_currency"]) for name in (TENANT, IRISH)
            },
            worker=worker_part,
            others=(sandbox_part, receiver_part),
        )


async def _started(stack: AsyncExitStack, part: Part) -> Part:
    stack.push_async_callback(part.stop)
    await part.start()
    return part


def _environment(home: Home, options: Options, base: Mapping[str, str], bootstrap: str) -> dict[str, str]:
    """Settings of the user's own would lead the parts elsewhere, so only what is not ours is inherited."""
    inherited = {name: value for name, value in base.items() if not name.startswith(ENV_PREFIX)}
    # A broker that somebody else runs may hold topics of ours already.
    prefix = f"demo-{options.run_id}." if options.kafka else PREFIX
    return {
        **inherited,
        "PATH": f"{Path(command_line()).parent}:{base.get('PATH', '')}",
        variable_of("kafka_bootstrap_servers"): bootstrap,
        variable_of("topic_prefix"): prefix,
        variable_of("consumer_group"): f"{prefix}worker",
        variable_of("home"): str(home.folder),
        variable_of("tenants"): str(home.tenants),
        variable_of("xero_timeout_s"): _XERO_TIMEOUT_S,
        variable_of("receiver_port"): str(free_port()),
        variable_of("metrics_port"): str(free_port()),
        **home.variables(),
    }


def _of_xero(home: Home, sandbox: Mapping[str, Any]) -> dict[str, str]:
    """Where Xero is, and which organisation each tenant file means: the one of its currency."""
    found = {
        variable_of("xero_api_url"): sandbox["api_url"],
        variable_of("xero_identity_url"): sandbox["identity_url"],
        variable_of("xero_client_id"): sandbox["client_id"],
        variable_of("xero_client_secret"): sandbox["client_secret"],
    }
    for file in sorted(home.tenants.glob("*.yaml")):
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        named = str(document.get("xero_tenant_id", ""))
        if named.startswith("${"):
            found[named[2:-1]] = _organisation(sandbox, document["base_currency"])
    return found


def _organisation(sandbox: Mapping[str, Any], currency: str) -> str:
    return next(str(row["tenant_id"]) for row in sandbox["organisations"] if row["currency"] == currency)


def _addresses(environment: Mapping[str, str]) -> tuple[str, str]:
    ports = (environment[variable_of("receiver_port")], environment[variable_of("metrics_port")])
    receiver, metrics = (f"http://127.0.0.1:{port}" for port in ports)
    return receiver, metrics
