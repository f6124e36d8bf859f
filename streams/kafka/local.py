"""The launcher: a broker's address, from whatever this machine has to offer (design section 8)."""

import asyncio
import shutil
import signal
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

from streams.kafka import container, java, maven
from streams.kafka.broker import Installation, JavaBroker
from streams.kafka.errors import KafkaUnavailable

_LOOK_S: Final = 0.5


class Kafka(Protocol):
    """A broker that takes requests at `bootstrap`; `how` is given, container or java. `stop` is idempotent."""

    @property
    def how(self) -> str: ...

    @property
    def bootstrap(self) -> str: ...

    def stop(self) -> None: ...

    def wait(self, timeout_s: float) -> int | None:
        """The exit code of a broker that ended by itself, or None if it runs on after `timeout_s`."""


class GivenBroker:
    """A broker that somebody else runs."""

    how: Final = "given"

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    def stop(self) -> None:
        """Not ours to stop."""

    def wait(self, timeout_s: float) -> int | None:
        """Not ours to watch."""
        threading.Event().wait(timeout_s)
        return None


class _TemporaryBroker(JavaBroker):
    """A broker whose data goes with it."""

    def __init__(self, installation: Installation, port: int | None) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="ledgerstream-kafka-"))
        super().__init__(installation, self._folder, port)

    def stop(self) -> None:
        super().stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def start(
    home: Path,
    *,
    bootstrap: str | None = None,
    port: int | None = None,
    keep: bool = False,
    image: str | None = None,
) -> Kafka:
    """A running broker: the one at `bootstrap` if given, else a container, else Apache Kafka on Java. Blocks.

    `home` holds the jars that all runs share, and with `keep` the data of the local broker, which is then on Java
    (a container's data would go with it). `image` takes the place of apache/kafka of our version, such as a copy in a
    registry of one's own. Raises KafkaUnavailable with what to install.
    """
    if bootstrap:
        return GivenBroker(bootstrap)
    if not keep and container.engine_answers():
        chosen = image or f"apache/kafka:{maven.kafka_version()}"
        if container.image_comes(chosen):
            contained = container.ContainerBroker(chosen, port)
            contained.start()
            return contained
    home = home.resolve()
    installation = install(home)
    broker = JavaBroker(installation, home / "kafka" / "data", port) if keep else _TemporaryBroker(installation, port)
    try:
        broker.start()
    except BaseException:
        broker.stop()
        raise
    return broker


def install(home: Path) -> Installation:
    """What a broker on Java needs, fetched into `home` if it is not there yet. Blocks. Raises KafkaUnavailable."""
    return Installation(
        java=java.find(),
        libs=maven.libs(home / "kafka"),
        logging=maven.RECIPE / "log4j2.properties",
    )


@asynccontextmanager
async def running(
    home: Path,
    *,
    bootstrap: str | None = None,
    port: int | None = None,
    keep: bool = False,
    image: str | None = None,
) -> AsyncIterator[str]:
    """`start` and `stop` around a block of a coroutine; gives the bootstrap address."""
    kafka = await asyncio.to_thread(start, home, bootstrap=bootstrap, port=port, keep=keep, image=image)
    try:
        yield kafka.bootstrap
    finally:
        await asyncio.to_thread(kafka.stop)


def serve(home: Path, ready: Callable[[Kafka], None], *, port: int | None = None) -> None:
    """Run the local broker in the foreground until SIGINT or SIGTERM; `ready` is called once it takes requests.

    For the main thread. Raises KafkaUnavailable if it cannot start or ends by itself.
    """
    ended = threading.Event()

    def end(_signal: int, _frame: object) -> None:
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        kafka = start(home, port=port, keep=True)
        try:
            ready(kafka)
            while not ended.is_set():
                code = kafka.wait(_LOOK_S)
                if code is not None:
                    raise KafkaUnavailable(
                        f"Kafka ended by itself (exit code {code}): see {home}/kafka/data/broker.log"
                    )
        finally:
            kafka.stop()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
