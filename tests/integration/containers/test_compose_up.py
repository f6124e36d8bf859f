"""docker-compose.yml, run: an event becomes an invoice, whatever stops, dies or is made anew in between."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.containers import engine, stack
from tests.integration.containers.stack import Stack

pytestmark = [pytest.mark.all, pytest.mark.timeout(1800), pytest.mark.xdist_group("containers")]
# Ends what the container runs as our user, but for the first process, which is the engine's and tells it.
_KILL = "import os; os.kill(-1, 9)"


@pytest.fixture(scope="module")
def running(checkout: Path, built: str) -> Iterator[Stack]:
    with stack.up(checkout) as found:
        found.until_healthy("kafka", "sandbox", "receiver", "worker")
        yield found


def test_compose_reads_the_file(running: Stack) -> None:
    told = running.compose("config", "--services").split()
    assert sorted(told) == ["kafka", "receiver", "sandbox", "topics", "worker"]


def test_an_order_becomes_an_invoice(running: Stack) -> None:
    assert running.state("topics")["ExitCode"] == 0
    running.place("6001")
    running.until(lambda: "S2-6001" in running.invoices(), "the order's invoice")
    assert b"ledgerstream_xero_requests_total" in running.get("METRICS_PORT", "/metrics")
    traced = engine.run("docker", "exec", running.container("worker"), "ledgerstream", "trace", "S2-6001")
    assert "AUTHORISED" in traced


@pytest.mark.parametrize("service", ["sandbox", "receiver", "worker"])
def test_a_service_writes_to_its_volume_only(running: Stack, service: str) -> None:
    script = "touch /var/lib/ledgerstream/x /tmp/x && rm /var/lib/ledgerstream/x && ! touch /opt/x 2>/dev/null && id -u"
    assert engine.run("docker", "exec", running.container(service), "sh", "-c", script).strip() == "10001"


def test_a_worker_that_is_stopped_ends_in_order_and_one_made_anew_goes_on(running: Stack) -> None:
    running.compose("stop", "worker")
    assert running.state("worker")["ExitCode"] == 0
    running.place("6002")
    running.compose("rm", "--force", "worker")
    running.compose("up", "--detach", "worker")
    running.until(lambda: "S2-6002" in running.invoices(), "the order that came meanwhile")


@pytest.mark.parametrize("service", ["worker", "receiver", "sandbox"])
def test_what_dies_is_started_again(running: Stack, service: str) -> None:
    before = running.state(service)["RestartCount"]
    number = {"worker": "6003", "receiver": "6004", "sandbox": "6005"}[service]
    engine.run("sh", "-c", f'docker exec "$1" python -c "{_KILL}" || true', "sh", running.container(service))
    running.until(lambda: running.state(service)["RestartCount"] > before, f"{service} was started again")
    running.until_healthy(service)
    running.place(number)
    running.until(lambda: f"S2-{number}" in running.invoices(), "the order after it")


def test_all_of_it_made_anew_keeps_what_it_had(running: Stack) -> None:
    held = running.invoices()
    running.compose("stop")
    for service in ("kafka", "sandbox", "receiver", "worker"):
        # Java ends with 128 + SIGTERM when it was asked to.
        assert running.state(service)["ExitCode"] in ((0, 143) if service == "kafka" else (0,)), service
    running.compose("down")
    running.compose("up", "--detach")
    running.until_healthy("kafka", "sandbox", "receiver", "worker")
    assert running.invoices() == held
    running.place("6006")
    running.until(lambda: running.invoices() == sorted([*held, "S2-6006"]), "an order on the second day")
    audit = engine.run("docker", "exec", running.container("worker"), "ledgerstream", "audit")
    assert f": {len(held) + 1} posted." in audit
    assert "The audit holds." in audit
