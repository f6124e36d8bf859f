"""One node of Apache Kafka in KRaft mode, as a child process on loopback."""

import base64
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from streams.kafka import tether
from streams.kafka.errors import KafkaUnavailable

LOOPBACK: Final = "127.0.0.1"
READY_TIMEOUT_S: Final = 60.0
_STOP_TIMEOUT_S: Final = 15.0
_LOOK_S: Final = 0.05
_LAST_LINES: Final = 12
# A small heap, and no compiler whose work pays only after minutes: a local broker starts sooner.
JVM: Final = ("-Xmx512m", "-XX:TieredStopAtLevel=1")
_ONE_NODE: Final = {
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
}
# What kafka.server.KafkaRaftServer logs when the broker takes requests; deploy/kafka/log4j2.properties lets it through.
_READY: Final = b"Kafka Server started"


def properties(*, listener: str, advertised: str, controller: str, logs: str) -> dict[str, str]:
    """server.properties of one KRaft node that is broker and controller. Addresses are `host:port`."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.bootstrap.servers": controller,
        "listeners": f"PLAINTEXT://{listener},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{advertised}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": logs,
        # A mistyped topic must be an error, not a new topic with a number of partitions nobody chose.
        "auto.create.topics.enable": "false",
        **_ONE_NODE,
        # After a kill -9 the same node registers again only when its old registration has run out (9 s by default).
        "broker.heartbeat.interval.ms": "300",
        "broker.session.timeout.ms": "1000",
        "group.initial.rebalance.delay.ms": "0",
        # Tests that kill workers wait for the session timeout; Kafka's own lower bound is 6 s.
        "group.min.session.timeout.ms": "1000",
        "log.cleaner.dedupe.buffer.size": "16777216",
    }


def free_port() -> int:
    """A TCP port of loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def refuse_busy(port: int) -> None:
    """Raises KafkaUnavailable if something listens on this port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise KafkaUnavailable(
                f"port {port} of {LOOPBACK} cannot be used for Kafka ({error.strerror}): stop what listens there "
                f"(`ss -ltnp 'sport = :{port}'` names it), or choose another port, or leave it out for a free one"
            ) from error


@dataclass(frozen=True, slots=True)
class Installation:
    """What runs a broker: a java of version 17 or later, the folder of jars, and log4j2.properties."""

    java: Path
    libs: Path
    logging: Path

    def command(self, main: str, *arguments: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self.logging}"
        return [str(self.java), *JVM, logging, "-cp", str(self.libs / "*"), main, *arguments]


class JavaBroker:
    """A broker process over the folder `data`, which it keeps; starting again continues with it.

    Blocking calls: run them in a thread beside an event loop. The process ends with this one, however this one ends.
    """

    how: Final = "java"

    def __init__(self, installation: Installation, data: Path, port: int | None = None) -> None:
        self._installation = installation
        self._data = data
        self._port = port if port is not None else free_port()
        self._controller_port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    @property
    def bootstrap(self) -> str:
        return f"{LOOPBACK}:{self._port}"

    @property
    def log(self) -> Path:
        """What the broker has written since its last start."""
        return self._data / "broker.log"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start and wait until it takes requests (about 4 s); one that runs is left as it is.

        Raises KafkaUnavailable with the broker's last log lines, or because another broker has this folder, or the
        port is taken.
        """
        if self.running:
            return
        self._data.mkdir(parents=True, exist_ok=True)
        if self._lock is None:
            self._lock = self._own_folder()
        with self._released_on_error():
            refuse_busy(self._port)
            settings = self._data / "server.properties"
            settings.write_text("".join(f"{name}={value}\n" for name, value in self._properties().items()))
            if not (self._logs / "meta.properties").exists():
                self._format(settings)
            self._process = self._launch(self._installation.command("kafka.Kafka", str(settings)), self._lock)
            self._wait_ready(self._process)

    def stop(self) -> None:
        """Stop in order, and give the folder free. Calling it again does nothing."""
        process, self._process = self._process, None
        if process is not None:
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self._release()

    def kill(self) -> None:
        """End it as kill -9 does. `start` continues with the same data at the same address."""
        process, self._process = self._process, None
        if process is None:
            return
        # The group is gone if the broker ended by itself.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdin is not None:
            process.stdin.close()
        # The kernel frees the port a moment later, for the broker is not our own child but the tether's.
        until = time.monotonic() + _STOP_TIMEOUT_S
        while _listens(self._port) and time.monotonic() < until:
            time.sleep(_LOOK_S)

    def wait(self, timeout_s: float) -> int | None:
        """The exit code of a broker that ended by itself, or None if it runs on after `timeout_s`."""
        if self._process is None:
            return None
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def last_lines(self) -> str:
        """The end of the log, without the frames of Java's stack traces."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            lines = []
        lines = [line for line in lines if not line.startswith("\tat ")]
        return "\n".join(lines[-_LAST_LINES:]) or "(it wrote nothing)"

    def _launch(self, command: list[str], lock: IO[str]) -> "subprocess.Popen[bytes]":
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", tether.__file__, *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A session of its own: Ctrl-C in a terminal reaches us alone, and we stop the broker in order.
                start_new_session=True,
                # The lock lasts as long as the broker, which lives a moment longer than a parent that is killed.
                pass_fds=(lock.fileno(),),
            )

    @property
    def _logs(self) -> Path:
        return self._data / "logs"

    def _properties(self) -> dict[str, str]:
        controller = f"{LOOPBACK}:{self._controller_port}"
        return properties(
            listener=self.bootstrap, advertised=self.bootstrap, controller=controller, logs=str(self._logs)
        )

    def _format(self, settings: Path) -> None:
        cluster = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
        command = self._installation.command("kafka.tools.StorageTool", "format")
        # One word each: an id may begin with a hyphen.
        command += [f"--cluster-id={cluster}", f"--config={settings}", "--standalone"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=READY_TIMEOUT_S, check=False)
        if done.returncode:
            told = "\n".join((done.stdout + done.stderr).strip().splitlines()[-_LAST_LINES:])
            raise KafkaUnavailable(f"Kafka could not prepare {self._data}; make room or choose another folder:\n{told}")

    def _wait_ready(self, process: "subprocess.Popen[bytes]") -> None:
        until = time.monotonic() + READY_TIMEOUT_S
        while _READY not in self.log.read_bytes():
            if process.poll() is not None:
                raise KafkaUnavailable(
                    f"Kafka ended while it started (exit code {process.returncode}). Its last lines, from {self.log}:\n"
                    f"{self.last_lines()}\nIf the data is damaged, move {self._data} away and start again"
                )
            if time.monotonic() > until:
                raise KafkaUnavailable(
                    f"Kafka was not ready after {READY_TIMEOUT_S:.0f} s. Its last lines, from {self.log}:\n"
                    f"{self.last_lines()}\nFree memory or processor time and start again"
                )
            time.sleep(_LOOK_S)

    def _own_folder(self) -> IO[str]:
        lock = (self._data / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            address = lock.read().strip()
            lock.close()
            raise KafkaUnavailable(
                f"a local Kafka already runs on {self._data}: use it with KAFKA_BOOTSTRAP_SERVERS={address}, "
                "or stop it first"
            ) from error
        lock.truncate(0)
        lock.write(self.bootstrap + "\n")
        lock.flush()
        return lock

    def _release(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.close()

    @contextmanager
    def _released_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.kill()
            self._release()
            raise
