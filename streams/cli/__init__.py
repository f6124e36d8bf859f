"""The command line `ledgerstream`: `app.VERBS` has every verb and the module that is loaded when it is called."""

from streams.cli.app import main

__all__ = ["main"]
