"""What goes wrong with a ledger, as sentences that end in a remedy.

LedgerError
├── LedgerUnavailable   it cannot be read or written just now: full disk, lock, lost server; nothing was half done
├── LedgerRefused       it must not be used by this process: another worker, another release, a foreign ledger
├── FenceLost           another worker owns the tenant since; what this one wanted to write was not written
└── NotPossible         what a person asked for cannot be done, and why
"""


class LedgerError(Exception):
    """Something about the ledger that a person or an orchestrator must mend."""


class LedgerUnavailable(LedgerError):
    """The ledger cannot be read or written just now. The transaction was rolled back; it may be tried again."""


class LedgerRefused(LedgerError):
    """This process must not use this ledger."""


class FenceLost(LedgerError):
    """The lease of a tenant went to another worker. Nothing of the transaction was written."""


class NotPossible(LedgerError):
    """A person's order that cannot be carried out; nothing was changed."""
