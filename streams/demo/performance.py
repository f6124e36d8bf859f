"""The whole performance: home, stage and story put together, and cleared away again."""

import asyncio
import contextlib
import datetime as dt
import secrets
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import aiohttp
import orjson

from streams.demo import DemoFailed
from streams.demo.accountant import Accountant
from streams.demo.boutique import Boutique
from streams.demo.desk import Desk
from streams.demo.doors import SHOPIFY
from streams.demo.events import Event
from streams.demo.heard import hear
from streams.demo.home import IRISH, TENANT, Home, prepare
from streams.demo.outcome import Outcome
from streams.demo.processes import free_port
from streams.demo.producers import KafkaSend, World
from streams.demo.shop import day
from streams.demo.stage import Options, Stage, set_up
from streams.demo.story import Story
from streams.demo.teller import Teller
from streams.demo.xero import Xero
from streams.kafka import producer

SEED: Final = 2026
_LOOK_S: Final = 1.0
_INDENT: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What was asked for on the command line, and the settings that count: the user's Kafka, the folder of the tenant
    files, and where the jars of a local Kafka are kept."""

    speed: float
    keep: bool
    tenants: Path
    kafka: str | None
    kafka_image: str | None
    shared: Path


async def perform(
    wishes: Wishes, environment: Mapping[str, str], teller: Teller, told: Callable[[Outcome], None]
) -> None:
    """Play the day and tell its outcome; with `keep` go on until cancelled. Raises DemoFailed, KafkaError.

    SIGTERM ends it as Ctrl-C does.
    """
    _cancel_on_sigterm()
    with _home(wishes, teller) as home:
        options = Options(
            speed=wishes.speed,
            kafka=wishes.kafka,
            kafka_image=wishes.kafka_image,
            shared=wishes.shared,
            run_id=secrets.token_hex(3),
        )
        teller.act("On this machine")
        date = _yesterday()
        boutique = Boutique(date, home.credentials[SHOPIFY].secret, home.shop_token)
        async with (
            set_up(home, options, environment, teller) as stage,
            boutique.open(home.shop_url),
            _senders(stage, home) as (session, world),
        ):
            xero, irish = (
                Xero(session, stage.sandbox["admin_url"], stage.xero_tenants[name]) for name in (TENANT, IRISH)
            )
            played = day(SEED, date)
            story = Story(
                teller=teller,
                home=home,
                accountant=Accountant(home=home, day=played, log=world.log, boutique=boutique, xero=xero, irish=irish),
                stage=stage,
                day=played,
                world=world,
                boutique=boutique,
                xero=xero,
                hear=partial(hear, stage.bootstrap, stage.topic_prefix),
                # What commands print is shown indented, on the same terminal.
                desk=Desk({**stage.environment, "COLUMNS": str(teller.console.width - _INDENT)}),
                speed=wishes.speed,
            )
            told(await story.play())
            if wishes.keep:
                await _keep(stage, home, xero, teller)


def _yesterday() -> dt.date:
    return dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)


def _cancel_on_sigterm() -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


@contextmanager
def _home(wishes: Wishes, teller: Teller) -> Iterator[Home]:
    """A temporary home; after a failure it stays, for its logs."""
    folder = Path(tempfile.mkdtemp(prefix="ledgerstream-demo-"))
    try:
        yield prepare(folder, wishes.tenants, lambda: secrets.token_urlsafe(24), f"http://127.0.0.1:{free_port()}")
    except DemoFailed:
        teller.say(f"What the parts wrote is kept in {folder / 'logs'}.")
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def _senders(stage: Stage, home: Home) -> AsyncIterator[tuple[aiohttp.ClientSession, World]]:
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session,
        _kafka(stage) as kafka,
    ):
        yield session, World(session, stage.receiver, home.credentials, kafka)


@asynccontextmanager
async def _kafka(stage: Stage) -> AsyncIterator[KafkaSend]:
    """A producer of the shop's own: a CloudEvent in binary mode, straight into the topic."""
    shop = producer.Producer(stage.bootstrap)
    await shop.start()

    async def send(event: Event) -> None:
        document = dict(event.document)
        data = document.pop("data")
        headers = [(f"ce_{name}", str(value).encode()) for name, value in document.items()]
        headers.append(("content-type", b"application/json"))
        topic = f"{stage.topic_prefix}events.orders"
        await shop.publish(topic, str(data["order_id"]).encode(), orjson.dumps(data), tuple(headers))

    try:
        yield send
    finally:
        await shop.stop()


async def _keep(stage: Stage, home: Home, xero: Xero, teller: Teller) -> None:
    teller.act("Still running, until Ctrl-C")
    for name, address in (
        ("receiver", stage.receiver),
        ("Xero's books", xero.books_url),
        ("Xero's API", stage.sandbox["api_url"]),
        ("Shopify shop", f"{home.shop_url}/_sandbox"),
        ("database", str(home.database)),
        ("metrics", stage.metrics),
        ("Kafka", stage.bootstrap),
    ):
        teller.verbatim(f"{name:14}{address}")
    teller.say("")
    teller.say("To use the command line against it, type this in another terminal:")
    for line in stage.exports():
        teller.verbatim(line)
    teller.say("")
    teller.say("Kill the worker whenever you like; it is started again, and nothing is lost or booked twice:")
    teller.verbatim("pkill -9 -f 'ledgerstream worker'")
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    while not ended.is_set():
        await stage.keep_up(teller.say)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), _LOOK_S)
    teller.say("Stopping.")
