"""The connector of deploy/docs/connectors.md: its blocks, as they stand on the page, pass the suite."""

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pytest

import connectors
from connectors.base import NEEDS, Needs
from connectors.registry import CONNECTORS, REGISTRY, Row
from tests.conformance.suite import Conformance

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "deploy" / "docs" / "connectors.md").read_text()
BLOCKS = dict(re.findall(r"^`([\w/.]+)`[^\n]*:\n\n```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
PACKAGE = ("connectors/till/__init__.py", "connectors/till/verify.py", "connectors/till/normalise.py")
SUITE = "tests/conformance/test_till.py"
ROW = "connectors/registry.py"
GIVEN = "connectors/base.py"


def _suite() -> type[Conformance]:
    names: dict[str, Any] = {"__name__": "tests.conformance.test_till"}
    exec(compile(BLOCKS[SUITE], SUITE, "exec"), names)  # noqa: S102 the block of our own page
    found: type[Conformance] = names["TestTill"]
    return found


def _row() -> Row:
    imports, _, row = BLOCKS[ROW].partition("\n\n")
    names = dict(vars(import_module("connectors.registry")))
    exec(imports, names)  # noqa: S102 the block of our own page
    found: Row = _entry(row, names)
    return found


def _entry(block: str, names: dict[str, Any]) -> Any:
    """The value of the line that the page adds to a table."""
    return eval("{" + block + "}", names)["till"]  # noqa: S307 the block of our own page


def _needs() -> Needs:
    found: Needs = _entry(BLOCKS[GIVEN], {"Needs": Needs})
    return found


@pytest.fixture(autouse=True, scope="module")
def till(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The package where Python finds it, and its row in the registry, while these tests run."""
    root = tmp_path_factory.mktemp("guide")
    for path in (*PACKAGE, SUITE):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(BLOCKS[path])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connectors, "__path__", [*connectors.__path__, str(root / "connectors")])
        row = _row()
        assert row.webhooks is not None
        for table, value in ((REGISTRY, row), (CONNECTORS, row.webhooks), (NEEDS, _needs())):
            patch.setitem(cast("dict[str, object]", table), "till", value)
        yield root
        for name in [name for name in sys.modules if name.startswith("connectors.till")]:
            patch.delitem(sys.modules, name)


def test_the_page_has_every_block() -> None:
    assert set(BLOCKS) == {*PACKAGE, SUITE, ROW, GIVEN}


def test_what_a_till_is_given_fits_its_row() -> None:
    needs, row = _needs(), _row()
    assert ((needs.signs_with is None), needs.api) == (row.webhooks is None, row.sweep is not None)


def test_the_code_of_the_page_is_in_the_style_of_the_house(till: Path) -> None:
    ruff = Path(sys.executable).with_name("ruff")
    for verb in (("check", "--no-cache"), ("format", "--check", "--no-cache")):
        command = [ruff, *verb, "--config", ROOT / "pyproject.toml", till]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr


TestTill = _suite()
