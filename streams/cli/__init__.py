"""The command line `ledgerstream`. Importing this package registers every verb."""

from streams.cli import demo, kafka, sandbox, topics
from streams.cli.app import main

__all__ = ["demo", "kafka", "main", "sandbox", "topics"]
