"""Requests of sources that told no event, found by the id that the source gave them."""

from sqlalchemy import ColumnElement, and_, literal_column

from streams.ledger import tables

_events = tables.events.c


def is_called(source: str, event_id: str) -> ColumnElement[bool]:
    """Rows of `events` for such requests: known by their position, and by this name to the source."""
    # Written out, because a database uses an index over some rows only where it sees that no others are asked for.
    return and_(_events.topic == literal_column("'raw'"), _events.source == source, _events.event_id == event_id)
