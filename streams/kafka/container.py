"""The same broker from the image apache/kafka, where a container engine answers.

Run as a module with a container's id, it removes that container when its standard input closes: the engine, unlike a
child process, outlives a parent that is killed with -9, and testcontainers' own remover is one more image to pull.
"""

import contextlib
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Final

from streams.kafka import broker
from streams.kafka.errors import KafkaUnavailable

if TYPE_CHECKING:
    from docker import DockerClient
    from testcontainers.core.container import DockerContainer

PULL_TIMEOUT_S: Final = 60.0
_ENGINE_TIMEOUT_S: Final = 5
_PORT: Final = 9092
_READY_LINE: Final = r"Kafka Server started"


class ContainerBroker:
    """A broker in a container that publishes one port on loopback. Blocking calls, as those of JavaBroker."""

    how: Final = "container"

    def __init__(self, image: str, port: int | None = None) -> None:
        self._image = image
        self._port = port if port is not None else broker.free_port()
        self._container: DockerContainer | None = None
        self._remover: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        return f"{broker.LOOPBACK}:{self._port}"

    def start(self) -> None:
        """Start and wait until it takes requests. Raises KafkaUnavailable with the engine's words."""
        from testcontainers.core.config import testcontainers_config
        from testcontainers.core.container import DockerContainer
        from testcontainers.core.wait_strategies import LogMessageWaitStrategy

        broker.refuse_busy(self._port)
        testcontainers_config.ryuk_disabled = True
        ready = LogMessageWaitStrategy(_READY_LINE).with_startup_timeout(int(broker.READY_TIMEOUT_S))
        container = DockerContainer(self._image).with_envs(**self._environment()).waiting_for(ready)
        # A number alone would be published on every address of the machine.
        binding = (broker.LOOPBACK, self._port)
        container.ports[f"{_PORT}/tcp"] = binding  # type: ignore[assignment]  # what it is handed to takes an address
        self._container = container
        try:
            container.start()
        except Exception as error:
            self.stop()
            raise KafkaUnavailable(
                f"the container of {self._image} did not start ({error}): see `docker logs`"
            ) from error
        command = [sys.executable, "-m", "streams.kafka.container", container.get_wrapped_container().id]
        self._remover = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def stop(self) -> None:
        """Remove the container. Calling it again does nothing."""
        container, self._container = self._container, None
        if container is not None:
            container.stop()
        remover, self._remover = self._remover, None
        if remover is not None and remover.stdin is not None:
            remover.stdin.close()
            remover.wait()

    def wait(self, timeout_s: float) -> int | None:
        """The exit code of a container that ended by itself, or None if it runs on after `timeout_s`."""
        import requests

        if self._container is None:
            return None
        try:
            return int(self._container.get_wrapped_container().wait(timeout=timeout_s)["StatusCode"])
        except (requests.exceptions.ReadTimeout, requests.exceptions.ConnectionError):
            return None

    def _environment(self) -> dict[str, str]:
        controller = f"{broker.LOOPBACK}:9093"
        settings = broker.properties(
            listener=f"0.0.0.0:{_PORT}",  # inside the container; the engine publishes it on loopback
            advertised=self.bootstrap,
            controller=controller,
            logs="/tmp/kafka-logs",  # noqa: S108 (inside the container, which is removed with it)
        )
        # The image prepares its storage for voters that are listed, and refuses to without them.
        del settings["controller.quorum.bootstrap.servers"]
        settings["controller.quorum.voters"] = f"{settings['node.id']}@{controller}"
        variables = {"KAFKA_" + name.replace(".", "_").upper(): value for name, value in settings.items()}
        return {**variables, "KAFKA_HEAP_OPTS": " ".join(broker.JVM)}


def engine_answers() -> bool:
    """Whether a container engine and the libraries to talk to it are here."""
    try:
        import docker
        import testcontainers.core.container  # noqa: F401 (asked for, used by ContainerBroker)
    except ImportError:
        return False
    address = docker.utils.kwargs_from_env().get("base_url") or docker.constants.DEFAULT_UNIX_SOCKET
    # An engine on another machine would publish the port on a loopback that is not ours.
    if "unix://" not in address or not _listens(address.rpartition("unix://")[2]):
        return False
    try:
        client = docker.from_env(timeout=_ENGINE_TIMEOUT_S)
    except docker.errors.DockerException:
        return False
    client.close()
    return True


def _listens(path: str) -> bool:
    # Asked before docker-py is, because it leaves a socket open when nothing answers.
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def image_comes(image: str, timeout_s: float = PULL_TIMEOUT_S) -> bool:
    """Whether the engine has this image, or gets it within `timeout_s`. Blocks."""
    if _has(image):
        return True
    pulled = threading.Event()
    threading.Thread(target=_pull, args=(image, pulled), daemon=True).start()
    return pulled.wait(timeout_s) and _has(image)


def _pull(image: str, ended: threading.Event) -> None:
    import docker

    client: DockerClient = docker.from_env()
    with contextlib.closing(client), contextlib.suppress(docker.errors.DockerException):
        client.images.pull(image)
    ended.set()


def _has(image: str) -> bool:
    import docker

    client: DockerClient = docker.from_env()
    with contextlib.closing(client):
        try:
            client.images.get(image)
        except docker.errors.ImageNotFound:
            return False
        return True


def remove_when_closed(container_id: str) -> int:
    """Wait until standard input closes, then remove the container; it may be gone already."""
    import docker

    sys.stdin.buffer.read()
    try:
        docker.from_env().containers.get(container_id).remove(force=True, v=True)
    except docker.errors.NotFound:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(remove_when_closed(sys.argv[1]))
