"""The ledger: what was taken in, what must be booked, what was sent, and what became of it. SQL is named only here."""

from streams.ledger.facade import Ledger, open_as_it_is, open_ledger

__all__ = ["Ledger", "open_as_it_is", "open_ledger"]
