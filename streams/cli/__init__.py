"""The command line `ledgerstream`. Importing this package registers every verb."""

from streams.cli import kafka, sandbox, topics
from streams.cli.app import main

__all__ = ["kafka", "main", "sandbox", "topics"]
