"""One broker for the whole bench, on the core that is not measured, started by the first figure that needs it."""

import atexit
import os
from functools import cache
from pathlib import Path

from streams.kafka import local
from tests.bench import machine

_HOME = Path(__file__).resolve().parents[2] / ".ledgerstream"


@cache
def address() -> str:
    """The bootstrap address. KAFKA_BOOTSTRAP_SERVERS names another broker, whose cores are its own affair."""
    with machine.on_core(machine.cores()[1]):
        kafka = local.start(_HOME, bootstrap=os.environ.get("KAFKA_BOOTSTRAP_SERVERS"))
    atexit.register(kafka.stop)
    return kafka.bootstrap
