"""README's blocks, run in order as a newcomer would, against the demo that was left running."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.integration.demo.kept import Kept

pytestmark = pytest.mark.timeout(300)
README = Path(__file__).parents[3] / "README.md"


def blocks() -> list[str]:
    """What is to be typed, in order. The two commands of the set-up are what runs this test."""
    return re.findall(r"^```sh\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)


def test_the_blocks_run_in_order(kept: Kept, tmp_path: Path) -> None:
    said = []
    for block in blocks():
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            env=kept.environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        said.append(done.stdout)
    assert len(said) == 4
    assert '"topic"' in said[0]
    assert "S2-5001" in said[1]
    assert "S2-5002" in said[2]
    assert "The audit holds" in said[3]


def test_every_verb_that_is_named_exists(kept: Kept) -> None:
    verbs = re.findall(r"^\| `ledgerstream (\w+)", README.read_text(), re.MULTILINE)
    assert len(verbs) >= 10
    for verb in verbs:
        assert kept.type(f"ledgerstream {verb} --help").returncode == 0, verb
