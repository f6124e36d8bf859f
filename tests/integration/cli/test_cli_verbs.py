"""The verbs: all are listed, each is loaded only when it is called, and every error that is a sentence has its code."""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli.app import CODES, VERBS, app
from tests.support.cli import environment, ledgerstream
from tests.support.desk import ROOT

GROUPS = ("ask", "dlq", "outbox", "sandbox", "sources")
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


def named_verbs() -> list[tuple[str, ...]]:
    """Every verb that a sentence, a comment, a guide or an example names, as its words."""
    places = [*(ROOT / "deploy").rglob("*.md"), *(ROOT / "deploy").rglob("*.yaml"), ROOT / "README.md"]
    places += [file for folder in ("streams", "connectors", "schemas") for file in (ROOT / folder).rglob("*.py")]
    found: set[tuple[str, ...]] = set()
    for file in places:
        for first, second in re.findall(r"`?ledgerstream ([a-z]+)(?: ([a-z]+))?", _joined(file)):
            group = first in GROUPS and second
            found.add((first, second) if group else (first,))
    return sorted(found)


def _joined(file: Path) -> str:
    """The text, with the strings joined that only a line's length parts; without prose about the program itself."""
    text = re.sub(r'"\n\s*f?"', "", file.read_text())
    return "\n".join(line for line in text.splitlines() if "`ledgerstream`" not in line)


def test_every_verb_that_is_named_anywhere_exists() -> None:
    verbs = named_verbs()
    assert {("check",), ("dlq", "replay"), ("ask", "answer"), ("resume",)}.issubset(verbs)
    missing = [words for words in verbs if CliRunner().invoke(app, [*words, "--help"]).exit_code != 0]
    assert not missing, f"there is no such verb: {missing}; name one that there is"
