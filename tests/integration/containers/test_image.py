"""The image, built for real: what is in it, who runs in it, and what is not in it."""

import json
from pathlib import Path

import pytest

from tests.integration.containers import engine

pytestmark = [pytest.mark.all, pytest.mark.timeout(1800), pytest.mark.xdist_group("containers")]


def _in(image: str, *command: str) -> str:
    """What a command says in a container that may do as little as the compose file lets it."""
    locked = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--network", "none")
    return engine.run("docker", "run", "--rm", *locked, "--entrypoint", command[0], image, *command[1:])


def test_the_command_line_is_its_entry_point(built: str) -> None:
    told = engine.run("docker", "run", "--rm", "--read-only", "--network", "none", built)
    assert "Usage: ledgerstream" in told
    for verb in ("receiver", "worker", "sandbox", "dlq", "trace"):
        assert verb in told


def test_it_runs_as_nobody_in_particular(built: str) -> None:
    assert _in(built, "id", "-u").strip() == "10001"
    config = json.loads(engine.run("docker", "inspect", "--format", "{{json .Config}}", built))
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["ledgerstream"]
    assert _in(built, "find", "/opt/ledgerstream", "-writable", "-not", "-type", "l") == ""


def test_the_packages_are_the_locks_and_no_installer_or_cache_is_left(built: str, checkout: Path) -> None:
    script = (
        "import importlib.metadata as m, json;"
        "print(json.dumps({d.name.lower().replace('_', '-').replace('.', '-'): d.version for d in m.distributions()}))"
    )
    found = json.loads(_in(built, "python", "-c", script))
    assert found.pop("ledgerstream")
    lines = (checkout / "deploy" / "requirements.lock").read_text().splitlines()
    pins = dict(line.rstrip(" \\").split("==") for line in lines if "==" in line and not line.startswith(" "))
    assert found == pins
    left = (
        "find / -xdev \\( -name '*.whl' -o -name 'requirements.lock' -o -path '*/.cache/*' -o -name 'ensurepip.log' \\)"
    )
    assert _in(built, "sh", "-c", left + " -not -path '/usr/*' -not -path '/proc/*' 2>/dev/null || true") == ""


def test_no_layer_names_a_host_or_a_secret(built: str) -> None:
    layers = engine.run("docker", "history", "--no-trunc", "--format", "{{.CreatedBy}}", built)
    ours = [line for line in layers.splitlines() if "ledgerstream" in line]
    assert ours
    assert not [line for line in ours if "://" in line or "SECRET" in line]
