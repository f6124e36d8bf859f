"""What can go wrong at a company's database."""


class OutboxUnavailable(Exception):
    """The database, or a table in it, cannot be used just now; the message says why and what to do. Nothing is lost:
    the rows wait."""


class LeaseLost(Exception):
    """Another poller leads by now. What this one published comes twice, under the same event keys."""
