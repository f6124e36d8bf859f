"""A demo that has told its result and runs on."""

import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class Kept:
    """`told` is what it had said to people when all of it ran; `said` is the file that it goes on writing."""

    summary: dict[str, Any]
    told: str
    said: Path
    environment: dict[str, str]
    process: "subprocess.Popen[str]"

    def type(self, command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command as a person would who has pasted the exports."""
        return subprocess.run(
            shlex.split(command), env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
