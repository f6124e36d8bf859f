"""The command line `ledgerstream`. Importing this package registers every verb."""

from streams.cli import demo, dlq, kafka, receiver, sandbox, topics, worker
from streams.cli.app import main

__all__ = ["demo", "dlq", "kafka", "main", "receiver", "sandbox", "topics", "worker"]
