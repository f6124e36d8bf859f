"""The command line `ledgerstream`. Importing this package registers every verb."""

from streams.cli import ask, audit, demo, dlq, kafka, receiver, sandbox, stops, topics, trace, worker
from streams.cli.app import main

__all__ = [
    "ask",
    "audit",
    "demo",
    "dlq",
    "kafka",
    "main",
    "receiver",
    "sandbox",
    "stops",
    "topics",
    "trace",
    "worker",
]
