"""The command line `ledgerstream`. Importing this package registers every verb."""

from streams.cli import demo, kafka, receiver, sandbox, topics, worker
from streams.cli.app import main

__all__ = ["demo", "kafka", "main", "receiver", "sandbox", "topics", "worker"]
