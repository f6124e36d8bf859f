"""The command line as people run it: a process of its own, with an environment of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

COMMAND = (sys.executable, "-m", "streams.cli")


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without any setting of ours, and these settings."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("LEDGERSTREAM_") and name != "KAFKA_BOOTSTRAP_SERVERS"
    }
    return {**inherited, "NO_COLOR": "1", "COLUMNS": "200", **settings}


def ledgerstream(
    *arguments: str, settings: Mapping[str, str] | None = None, cwd: Path | None = None, timeout_s: float = 60
) -> "subprocess.CompletedProcess[str]":
    """Run one verb to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(settings or {}),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
