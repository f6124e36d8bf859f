"""The one place where concrete parts are built and handed to each other: receiver and worker."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from importlib.metadata import version

import aiohttp
import structlog
from aiohttp import web

from connectors.receiver import create_app as receiver_app
from connectors.receiver import serve
from connectors.registry import CONNECTORS
from connectors.xero.auth import AuthRefused, AuthUnavailable, ClientCredentials
from connectors.xero.client import XeroClient
from connectors.xero.ticket import Ticket
from schemas.topics import EVENT_TOPICS, TOPICS, TopicName
from streams import health, worker
from streams.clock import Clock, SteadyClock, SystemClock
from streams.core.after import Patience
from streams.counting import timed
from streams.gauges import Gauges
from streams.hearing import listened, of_xero
from streams.identity import Introduction
from streams.instance import Instance, instance
from streams.intake import Intake
from streams.kafka import topics
from streams.kafka.address import kafka_address
from streams.kafka.app import EmbeddedApp, Handler, create_app, run_agent
from streams.kafka.producer import Producer
from streams.kafka.publishing import KafkaPublisher
from streams.ledger import Ledger, open_ledger
from streams.ledger.calls import SEND_WINDOW_S
from streams.metrics import MetricsRegistry
from streams.normalise import Normalise
from streams.outboxes import outbox_sources, pollers
from streams.pending import TakingUp
from streams.publisher import Publisher
from streams.reload import LivePercents, LiveSources, Reloading
from streams.sender.gate import Gate, open_gate
from streams.sender.loop import Sender
from streams.sender.parts import Organisation, Parts
from streams.settings import Settings, SettingsError, environment
from streams.status import LedgerStatus
from streams.sweep import Sweep
from streams.sweeping import sweepings, swept_sources
from streams.timekeeper import Timekeeper
from streams.translate import Translate

_log = structlog.get_logger()


def reloading(settings: Settings) -> Reloading:
    """The configuration files. Raises TenantFilesError."""
    found = Reloading(settings.tenants, environment())
    for warning in found().warnings:
        _log.warning("tenant files", reason=warning)
    return found


async def run_receiver(
    settings: Settings, stop: asyncio.Event, ready: Callable[[str, int], None], *, clock: Clock | None = None
) -> None:
    """Receive until `stop` is set; `ready` is told the address. `clock` is for tests: None is the machine's."""
    clock = clock or SystemClock()
    configuration = reloading(settings)
    metrics = MetricsRegistry(tuple(configuration().sources))
    async with AsyncExitStack() as stack:
        producer = await _producer(stack, settings)
        ledger = await open_ledger(settings.ledger(), clock)
        stack.push_async_callback(ledger.close)
        publisher = KafkaPublisher(producer, settings.topic_prefix)
        app = receiver_app(
            LiveSources(configuration),
            connectors=CONNECTORS,
            publisher=publisher,
            status=LedgerStatus(ledger),
            metrics=metrics,
            clock=clock,
            not_ready=publisher.not_ready,
            public_url=settings.public_url(),
        )
        health.add_metrics(app, metrics)
        metrics.watch_configuration(lambda: configuration.broken is None)
        watching = asyncio.ensure_future(configuration.run())
        stack.callback(watching.cancel)
        async with serve(app, settings.receiver_host, settings.receiver_port) as (host, port):
            ready(host, port)
            await stop.wait()


async def run_worker(
    settings: Settings,
    stop: asyncio.Event,
    ready: Callable[[str, int], None],
    *,
    gate: Gate = open_gate,
    clock: Clock | None = None,
    restored: bool = False,
) -> None:
    """Work until `stop` is set.

    `gate` and `clock` are for tests: one that kills the process at a named point, and a time of its own; None is that
    of the ledger's server, or the machine's. `restored`: the ledger is a backup that was put back.
    """
    async with AsyncExitStack() as stack:
        built = await _build(stack, settings, gate, clock, restored=restored)
        address = await stack.enter_async_context(_health(built, settings))
        await worker.run(built.running, stop, lambda: ready(*address))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Built:
    running: worker.Running
    metrics: MetricsRegistry
    not_ready: Callable[[], str | None]
    broken_files: Callable[[], str | None]


async def _build(
    stack: AsyncExitStack, settings: Settings, gate: Gate, given: Clock | None, *, restored: bool
) -> _Built:
    configuration = reloading(settings)
    metrics = MetricsRegistry(tuple(configuration().sources))
    bootstrap = kafka_address(settings)
    clock = SteadyClock(given or SystemClock())
    ledger = await open_ledger(settings.ledger(), clock)
    stack.push_async_callback(ledger.close)
    ledger.claim()
    us = stack.enter_context(_instance(settings))
    timekeeper = await _timekeeper(settings, ledger, clock, given, us)
    await topics.ensure(bootstrap, settings.topic_prefix)
    producer = await _producer(stack, settings)
    introduction = Introduction(ledger, producer, settings.topic_prefix)
    await introduction.begin(bootstrap, restored=restored)
    publisher = Publisher(
        ledger,
        producer,
        settings.topic_prefix,
        metrics,
        clock,
        owner=us.owner,
        group=settings.consumer_group,
        version=version("ledgerstream"),
    )
    sender = await _sender(stack, settings, configuration, ledger, clock, metrics, gate, us, publisher.wake)

    def wake() -> None:
        sender.wake()
        publisher.wake()

    intake = Intake(ledger, settings.topic_prefix, wake, metrics, clock)
    app = _faust(
        settings, bootstrap, configuration, producer, intake, us, partial(timed, metrics=metrics, elapsed=clock.elapsed)
    )
    running = worker.Running(
        app=app,
        send=sender.run,
        stop_sending=sender.stop,
        publish=publisher.run,
        stop_publishing=publisher.stop,
        services=(
            configuration.run,
            introduction.run,
            timekeeper.run,
            TakingUp(ledger, configuration, wake).run,
            Sweep(ledger, metrics.hearing, listened(configuration())).run,
            Gauges(ledger, metrics, configuration().expected, of_xero(configuration())).run,
            *await _asking(stack, settings, configuration, producer, ledger, clock, metrics, us),
        ),
    )

    def not_ready() -> str | None:
        return None if app.crashed is None else f"the agents crashed: {app.crashed!r}"

    metrics.watch_configuration(lambda: configuration.broken is None)
    if settings.xero_egress_gb is not None:
        metrics.xero_egress_allowance.set(settings.xero_egress_gb * 1e9)
    return _Built(running=running, metrics=metrics, not_ready=not_ready, broken_files=lambda: configuration.broken)


async def _producer(stack: AsyncExitStack, settings: Settings) -> Producer:
    producer = Producer(kafka_address(settings))
    await producer.start()
    stack.push_async_callback(producer.stop)
    return producer


async def _sender(
    stack: AsyncExitStack,
    settings: Settings,
    configuration: Reloading,
    ledger: Ledger,
    clock: Clock,
    metrics: MetricsRegistry,
    gate: Gate,
    us: Instance,
    news: Callable[[], None],
) -> Sender:
    if settings.xero_client_id is None or settings.xero_client_secret is None:
        raise SettingsError(
            "LEDGERSTREAM_XERO_CLIENT_ID and LEDGERSTREAM_XERO_CLIENT_SECRET are not set: take them from Xero's "
            "developer portal, or from `ledgerstream sandbox xero`."
        )
    session = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
    tokens = ClientCredentials(
        session=session,
        token_url=f"{str(settings.xero_identity_url).rstrip('/')}/connect/token",
        client_id=settings.xero_client_id,
        client_secret=settings.xero_client_secret.get_secret_value(),
        elapsed=clock.elapsed,
        on_result=metrics.token,
        on_token=lambda life_s: metrics.token_ends("access", clock.now().timestamp() + life_s),
    )

    def may_leave(ticket: Ticket) -> bool:
        return sender.may_leave(ticket)

    client = XeroClient(str(settings.xero_api_url), tokens, clock.elapsed, metrics, may_leave, metrics.app_minute_left)
    await client.start()
    stack.push_async_callback(client.close)
    await _sign_in(client, ledger)
    parts = Parts(
        ledger=ledger,
        client=client,
        clock=clock,
        metrics=metrics,
        owner=us.owner,
        patience=Patience(timeout_s=settings.xero_timeout_s),
        gate=gate,
        news=news,
        found=metrics.hearing.brought_by_sweep,
    )
    sender = Sender(parts, _organisations(configuration))
    return sender


async def _sign_in(client: XeroClient, ledger: Ledger) -> None:
    """All organisations share one sign-in: where Xero refuses it, there is nothing to stay alive for. What earlier
    refusals have stopped stays so until a person lifts it, and whoever starts us should hear of it."""
    try:
        await client.authorise()
    except AuthRefused as error:
        raise SettingsError(f"{error.message}. {error.remedy}, then start the worker again.") from None
    except AuthUnavailable as error:
        _log.warning("no access token yet", reason=str(error))
    for stop in await ledger.stops.list():
        _log.warning("is stopped", tenant=stop.tenant, source=stop.source, reason=stop.reason, remedy=stop.remedy)


async def _asking(
    stack: AsyncExitStack,
    settings: Settings,
    configuration: Reloading,
    producer: Producer,
    ledger: Ledger,
    clock: Clock,
    metrics: MetricsRegistry,
    us: Instance,
) -> Sequence[worker.Service]:
    """The services that ask the sources which do not, or not only, speak by themselves: outboxes and APIs."""
    publisher = KafkaPublisher(producer, settings.topic_prefix)
    outboxes, swept = outbox_sources(configuration().sources), swept_sources(configuration().sources)
    metrics.hearing.watch_polled((*outboxes, *swept))
    if outboxes:
        metrics.watch_outboxes(tuple(outboxes))
    polling = pollers(outboxes, publisher, metrics, clock, us.member)
    if not swept:
        return [poller.run for poller in polling]
    metrics.hearing.watch_swept(tuple(swept))
    session = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
    sweeping = sweepings(swept, session, ledger, publisher, metrics.hearing, clock, us.member)
    return [*(poller.run for poller in polling), *(one.run for one in sweeping)]


@contextmanager
def _instance(settings: Settings) -> Iterator[Instance]:
    """A SQLite ledger's file lock admits one worker, so its successor need not wait for the lease of one that died."""
    with instance(settings.home) as found:
        only = settings.ledger().startswith("sqlite")
        yield replace(found, owner="the only worker") if only else found


async def _timekeeper(
    settings: Settings, ledger: Ledger, clock: SteadyClock, given: Clock | None, us: Instance
) -> Timekeeper:
    """Several workers go by the time of the ledger's server; a single one, and tests, by its own."""
    base = given or SystemClock()

    async def asked() -> datetime:
        told = await ledger.server_time() if given is None else None
        return told or base.now()

    async def was_set(to: datetime) -> None:
        await ledger.leases.clock_was_set(us.owner, to, SEND_WINDOW_S + 2 * settings.xero_timeout_s)

    timekeeper = Timekeeper(clock, asked, was_set)
    await timekeeper.begin()
    return timekeeper


def _organisations(configuration: Reloading) -> list[Organisation]:
    heard = {one.tenant: one for one in listened(configuration())}
    return [
        Organisation(name, tenant.file.xero_tenant_id, LivePercents(configuration, name), heard.get(name))
        for name, tenant in configuration().tenants.items()
    ]


def _faust(
    settings: Settings,
    bootstrap: str,
    configuration: Reloading,
    producer: Producer,
    intake: Intake,
    us: Instance,
    watch: Callable[[Handler, str], Handler],
) -> EmbeddedApp:
    prefix = settings.topic_prefix
    normalise = Normalise(producer, prefix, lambda: configuration().sources)
    translate = Translate(producer, prefix, configuration)

    async def on_assigned(partitions: frozenset[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        translate.keep_only(partitions)
        return await intake.on_assigned(partitions)

    app = create_app(
        bootstrap,
        settings.consumer_group,
        datadir=settings.home / f"faust-{us.number}",
        on_assigned=on_assigned,
        # A worker that is started again on the same machine takes its partitions back at once, also after kill -9.
        instance_id=f"{settings.consumer_group}-{us.member}",
    )
    agents: Sequence[tuple[str, Sequence[TopicName], Handler]] = (
        ("normalise", ["raw"], normalise.on_run),
        ("translate", EVENT_TOPICS, translate.on_run),
        ("intake", ["commands"], intake.on_run),
    )
    for agent, names, handler in agents:
        run_agent(app, [TOPICS[name].full_name(prefix) for name in names], watch(handler, agent), agent)
    return EmbeddedApp(app)


@asynccontextmanager
async def _health(built: _Built, settings: Settings) -> AsyncIterator[tuple[str, int]]:
    app = web.Application()
    health.add_routes(app, built.metrics, built.not_ready, built.broken_files)
    async with serve(app, settings.metrics_host, settings.metrics_port, shutdown_timeout_s=1.0) as address:
        yield address
