"""The verbs: all are listed, each is loaded only when it is called, and every error that is a sentence has its code."""

import subprocess
import sys
from importlib import import_module

import pytest
from typer.testing import CliRunner

from streams.cli.app import CODES, VERBS, app
from tests.support.cli import environment, ledgerstream

HEAVY = ("faust", "stripe", "aiokafka", "aiohttp", "alembic", "xero_python", "prometheus_client")


def test_a_verb_of_the_desk_loads_neither_faust_nor_stripe() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "streams.cli", "dlq", "list", "--help"]
    ended = subprocess.run(command, env=environment({}), capture_output=True, text=True, timeout=60, check=True)
    assert "--cause" in ended.stdout
    loaded = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines() if line.startswith("import time:")}
    assert "sqlalchemy" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_the_help_lists_every_verb_with_what_it_does() -> None:
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).stdout
    lines = dict(line.split(maxsplit=1) for line in shown.partition("Commands:")[2].splitlines() if line.strip())
    assert list(lines) == list(VERBS)
    assert lines["dlq"] == "Dead letters: what a person must mend."
    assert all(len(words) > 20 for words in lines.values())


def test_a_verb_that_does_not_exist_names_the_nearest() -> None:
    refused = ledgerstream("dql", "list")
    assert (refused.returncode, "No such command 'dql'. Did you mean 'dlq'?" in refused.stderr) == (2, True)
    far = ledgerstream("nosuch")
    assert (far.returncode, "No such command 'nosuch'." in far.stderr) == (2, True)


@pytest.mark.parametrize("name", CODES)
def test_the_errors_that_have_a_code_exist(name: str) -> None:
    module, _, kind = name.rpartition(".")
    found = getattr(import_module(module), kind)
    assert issubclass(found, Exception)
    assert f"{found.__module__}.{found.__qualname__}" == name
