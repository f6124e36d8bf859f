"""Each part alone, and how it fails: a sentence with a remedy and a non-zero exit."""

import json
import signal
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest

from schemas.topics import TOPICS
from tests.support.cli import COMMAND, environment, ledgerstream
from tests.support.desk import ROOT, SECRETS


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def test_topics_are_created_then_found_right(broker: str, topic_prefix: str) -> None:
    settings = {"KAFKA_BOOTSTRAP_SERVERS": broker, "LEDGERSTREAM_TOPIC_PREFIX": topic_prefix}
    missing = ledgerstream("topics", "--check", settings=settings)
    assert missing.returncode == 1
    created = ledgerstream("topics", "--json", settings=settings)
    assert created.returncode == 0, created.stderr
    reports = json.loads(created.stdout)
    assert {report["name"] for report in reports} == {topic.full_name(topic_prefix) for topic in TOPICS.values()}
    assert {report["state"] for report in reports} == {"created"}
    again = ledgerstream("topics", settings=settings)
    assert again.returncode == 0
    assert again.stdout.count(" ok ") == len(TOPICS)


def test_a_broker_that_is_not_there_is_a_sentence() -> None:
    away = ledgerstream("topics", settings={"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})
    assert away.returncode == 3
    assert away.stderr == (
        "no Kafka answers at 127.0.0.1:1: start it (`ledgerstream kafka`), or correct KAFKA_BOOTSTRAP_SERVERS\n"
    )


@pytest.mark.parametrize("verb", ["topics", "receiver"])
def test_what_needs_kafka_says_so_alike(verb: str) -> None:
    tenants = {"LEDGERSTREAM_TENANTS": str(ROOT / "deploy" / "tenants"), "LEDGERSTREAM_TENANT_IE": "ie", **SECRETS}
    unset = ledgerstream(verb, settings=tenants)
    assert (unset.returncode, unset.stdout) == (3, "")
    assert unset.stderr == (
        "KAFKA_BOOTSTRAP_SERVERS is not set: name your cluster, or run `ledgerstream kafka` and take its address.\n"
    )


def test_a_port_that_does_not_exist_is_no_crash() -> None:
    refused = ledgerstream("kafka", "--port", "99999")
    assert (refused.returncode, "65535" in refused.stderr) == (2, True)
    assert "Traceback" not in refused.stderr


def test_the_sandbox_tells_how_to_connect_and_does() -> None:
    command = [*COMMAND, "sandbox", "xero", "--json"]
    with subprocess.Popen(command, env=environment({}), stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        told = json.loads(running.stdout.readline())
        form = urllib.parse.urlencode(
            {
                "grant_type": "client_credentials",
                "client_id": told["client_id"],
                "client_secret": told["client_secret"],
            }
        )
        with urllib.request.urlopen(told["identity_url"] + "/connect/token", form.encode()) as answer:  # noqa: S310 the address is the sandbox's own
            token = json.load(answer)["access_token"]
        request = urllib.request.Request(  # noqa: S310 the address is the sandbox's own
            told["api_url"] + "/Organisation",
            headers={
                "Authorization": f"Bearer {token}",
                "xero-tenant-id": told["organisations"][0]["tenant_id"],
                "Accept": "application/json",
            },
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310 the address is the sandbox's own
            assert json.load(answer)["Organisations"][0]["BaseCurrency"] == "GBP"
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0


def test_a_busy_port_is_a_sentence(taken_port: int) -> None:
    refused = ledgerstream("sandbox", "xero", "--port", str(taken_port))
    assert refused.returncode == 3
    assert refused.stderr.splitlines()[-1].startswith(f"port {taken_port} on 127.0.0.1 is taken")


def test_a_wrong_setting_and_a_wrong_verb_are_refused_alike() -> None:
    setting = ledgerstream("topics", settings={"LEDGERSTREAM_HOEM": "x"})
    assert (setting.returncode, setting.stderr) == (
        2,
        "LEDGERSTREAM_HOEM: no such setting; did you mean LEDGERSTREAM_HOME? Unset it or correct its name.\n",
    )
    assert ledgerstream("topicz").returncode == 2
