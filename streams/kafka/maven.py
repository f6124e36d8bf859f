"""Apache Kafka's jars, fetched once by Maven from deploy/kafka/pom.xml into a cache that all runs share."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from streams.kafka import java
from streams.kafka.errors import KafkaUnavailable

RECIPE: Final = Path(__file__).resolve().parents[2] / "deploy" / "kafka"
_FETCH_TIMEOUT_S: Final = 300


def kafka_version(recipe: Path = RECIPE) -> str:
    """The version of Apache Kafka that the pom names, `4.3.1`; the container image carries the same."""
    pom = recipe / "pom.xml"
    try:
        text = pom.read_text()
    except OSError as error:
        raise KafkaUnavailable(
            f"{pom} cannot be read ({error.strerror}): run from a checkout of the repository, "
            "or set KAFKA_BOOTSTRAP_SERVERS to a broker you have"
        ) from error
    found = re.search(r"<artifactId>kafka_[\d.]+</artifactId>\s*<version>([\d.]+)</version>", text)
    if found is None:
        raise KafkaUnavailable(f"{pom} names no version of org.apache.kafka: restore the file from the repository")
    return found.group(1)


def libs(cache: Path, recipe: Path = RECIPE, path: str | None = None) -> Path:
    """The folder of jars under `cache`, fetched (44 MB) if it is not there yet. Blocks.

    A folder is there whole or not at all: it is filled under another name and renamed. Raises KafkaUnavailable.
    """
    folder = cache / f"libs-{kafka_version(recipe)}"
    if folder.is_dir():
        return folder
    mvn = shutil.which("mvn", path=path)
    if mvn is None:
        raise KafkaUnavailable(
            "the local Kafka needs Maven once, to fetch Apache Kafka's jars, and there is no mvn here: install it "
            "(Debian: apt-get install maven), or start Docker, or set KAFKA_BOOTSTRAP_SERVERS to a broker you have"
        )
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetching-", dir=cache) as scratch:
        _copy_dependencies(mvn, recipe, Path(scratch) / "libs")
        try:
            (Path(scratch) / "libs").rename(folder)
        except OSError:
            # Another run was faster; what it fetched is the same.
            if not folder.is_dir():
                raise
    return folder


def _copy_dependencies(mvn: str, recipe: Path, target: Path) -> None:
    command = [mvn, "-q", "-B", "-f", str(recipe / "pom.xml"), "dependency:copy-dependencies"]
    command += [f"-DoutputDirectory={target}", "-DincludeScope=runtime"]
    own = java.bundled()
    if shutil.which("java") is None and own is not None:
        command = ["env", f"JAVA_HOME={own.parents[1]}", *command]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_FETCH_TIMEOUT_S, check=False)
        told = (done.stdout + done.stderr).strip().splitlines()
        reason = "; ".join(told[:3]) if done.returncode else ""
    except subprocess.TimeoutExpired:
        reason = f"it took longer than {_FETCH_TIMEOUT_S} s"
    if reason or not any(target.glob("kafka_*.jar")):
        raise KafkaUnavailable(
            f"Maven could not fetch Apache Kafka's jars ({reason or 'no error was told'}): check the network and "
            "Maven's settings.xml (a mirror, a proxy), or set KAFKA_BOOTSTRAP_SERVERS to a broker you have"
        )
