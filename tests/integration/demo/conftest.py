"""One demo for all tests of this folder, left running as `--keep` leaves it."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.demo.processes import command_line
from tests.integration.demo.kept import Kept

_STOP_S = 30


@pytest.fixture(scope="package")
def kept(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    said = tmp_path_factory.mktemp("demo") / "stderr"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LEDGERSTREAM_")}
    environment |= {"KAFKA_BOOTSTRAP_SERVERS": broker, "COLUMNS": "200"}
    environment["PATH"] = f"{Path(command_line()).parent}:{environment['PATH']}"
    with said.open("w") as stderr:
        process = subprocess.Popen(
            ["ledgerstream", "demo", "--json", "--keep"],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=environment,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, said.read_text()
        summary = json.loads(line)
        assert summary["ok"], (summary, said.read_text())
        yield Kept(summary, _whole(said), said, {**environment, **_exports(_whole(said))}, process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(_STOP_S)
        assert process.stdout is not None
        process.stdout.close()


def _whole(said: Path) -> str:
    """Everything that is told; the exports come last."""
    for _ in range(100):
        text = said.read_text()
        if "pkill" in text:
            return text
        time.sleep(0.1)
    return said.read_text()


def _exports(text: str) -> dict[str, str]:
    return dict(re.findall(r"^\s*export (\w+)=(\S+)$", text, re.MULTILINE))
