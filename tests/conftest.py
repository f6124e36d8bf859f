"""One broker for the whole run, started when the first test asks for it; every test has topics of its own."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from streams.kafka import local
from streams.kafka.local import Kafka

# How long an example takes is a matter of the machine. `make test` tries the same examples each time, so that it judges
# a change and not its luck; the longer rounds of `make test-all` look for new ones.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("new", deadline=None)

HOME = Path(__file__).resolve().parents[1] / ".ledgerstream"


_KAFKA: pytest.StashKey[Kafka] = pytest.StashKey()
# They take longest and go first, so that no process is left with one of them at the end.
_LONG = ("integration/system/", "integration/demo/")


def _kafka(config: pytest.Config) -> Kafka:
    if _KAFKA not in config.stash:
        config.stash[_KAFKA] = local.start(HOME, bootstrap=os.environ.get("KAFKA_BOOTSTRAP_SERVERS"))
    return config.stash[_KAFKA]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Where the run is spread over processes (pytest-xdist), the first one has the broker that all of them use."""
    node.workerinput["bootstrap"] = _kafka(node.config).bootstrap


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("new" if config.option.markexpr == "all" else "same")


def pytest_unconfigure(config: pytest.Config) -> None:
    if _KAFKA in config.stash:
        config.stash[_KAFKA].stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The demo is started once, so its tests stay together where the run is spread."""
    for item in items:
        if "integration/demo/" in item.nodeid:
            item.add_marker(pytest.mark.xdist_group("demo"))
    items.sort(key=lambda item: not any(folder in item.nodeid for folder in _LONG))


@pytest.fixture(scope="session")
def broker(request: pytest.FixtureRequest) -> str:
    """The bootstrap address of a real Kafka: KAFKA_BOOTSTRAP_SERVERS, else one that ends with the run."""
    given: Mapping[str, str] = getattr(request.config, "workerinput", {})
    return given["bootstrap"] if given else _kafka(request.config).bootstrap


@pytest.fixture
def topic_prefix() -> str:
    """A prefix of topics, and of consumer groups, that no other test has."""
    return f"t{secrets.token_hex(5)}."
