"""One broker for the whole run, started when the first test asks for it; every test has topics of its own."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.kafka import local

HOME = Path(__file__).resolve().parents[1] / ".ledgerstream"


@pytest.fixture(scope="session")
def broker() -> Iterator[str]:
    """The bootstrap address of a real Kafka: KAFKA_BOOTSTRAP_SERVERS, else one that ends with the run."""
    kafka = local.start(HOME, bootstrap=os.environ.get("KAFKA_BOOTSTRAP_SERVERS"))
    yield kafka.bootstrap
    kafka.stop()


@pytest.fixture
def topic_prefix() -> str:
    """A prefix of topics, and of consumer groups, that no other test has."""
    return f"t{secrets.token_hex(5)}."
