"""The launcher where a container engine runs: the image's own way of configuring Kafka, on loopback, and gone after."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from streams.kafka import container, local, topics
from streams.kafka.errors import KafkaUnavailable
from streams.kafka.producer import Producer
from tests.integration.containers import engine
from tests.support import kafka_process
from tests.support.kafka import answers, read_all, until

pytestmark = [
    pytest.mark.all,
    pytest.mark.timeout(1800),
    pytest.mark.xdist_group("containers"),
    pytest.mark.usefixtures("images"),
]


def _containers() -> list[str]:
    return engine.run("docker", "ps", "--all", "--quiet", "--filter", "label=org.testcontainers").split()


async def test_a_container_takes_events_on_loopback_and_is_gone_after(tmp_path: Path) -> None:
    kafka = await asyncio.to_thread(local.start, tmp_path)
    try:
        assert kafka.how == "container"
        [running] = _containers()
        bindings = engine.run("docker", "inspect", "--format", "{{json .NetworkSettings.Ports}}", running)
        assert bindings.count("HostIp") == 1
        assert '"HostIp":"127.0.0.1"' in bindings
        await topics.ensure(kafka.bootstrap, "contained.")
        producer = Producer(kafka.bootstrap)
        await producer.start()
        await producer.publish("contained.raw", b"k", b"v")
        await producer.stop()
        assert [record.value for record in await read_all(kafka.bootstrap, "contained.raw")] == [b"v"]
        assert kafka.wait(0.1) is None
    finally:
        kafka.stop()
    kafka.stop()
    assert not _containers()
    assert not answers(kafka.bootstrap)


def test_a_container_that_ends_by_itself_is_noticed(tmp_path: Path) -> None:
    kafka = local.start(tmp_path)
    try:
        engine.run("docker", "kill", *_containers())
        assert kafka.wait(20) == 128 + signal.SIGKILL
    finally:
        kafka.stop()


async def test_a_killed_parent_leaves_no_container(tmp_path: Path) -> None:
    command = [sys.executable, kafka_process.__file__, str(tmp_path), "container"]
    process = subprocess.Popen(command, cwd=engine.ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        bootstrap = (await asyncio.to_thread(process.stdout.readline)).strip()
        assert answers(bootstrap)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    await until(lambda: not _containers(), "the container was removed")


def test_the_image_may_have_another_name(tmp_path: Path) -> None:
    own = "registry.example/mirror/kafka:ours"
    engine.run("docker", "tag", engine.KAFKA_IMAGE, own)
    try:
        kafka = local.start(tmp_path, image=own)
        try:
            assert engine.run("docker", "inspect", "--format", "{{.Config.Image}}", *_containers()).strip() == own
        finally:
            kafka.stop()
    finally:
        engine.run("docker", "rmi", own)


def test_a_container_that_does_not_start_is_a_sentence_and_removed() -> None:
    broken = container.ContainerBroker(engine.PYTHON_IMAGE)
    with pytest.raises(KafkaUnavailable, match=rf"container of {engine.PYTHON_IMAGE} did not start"):
        broken.start()
    assert not _containers()


def test_an_engine_of_another_machine_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert container.engine_answers()
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
    assert not container.engine_answers()
    monkeypatch.setenv("DOCKER_HOST", f"unix://{os.devnull}")
    assert not container.engine_answers()
