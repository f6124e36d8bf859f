"""A row of an outbox becomes a CloudEvent, through the same checks as what producers send. Pure."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from connectors.cloudevents.records import Prepared, prepare
from schemas import envelope as envelopes
from schemas.codec import Refused, shorten
from schemas.events import UnknownType

_MEND: Final = (
    "Correct the row and set its rejected_at to NULL; it is then sent. If a later row says it all, "
    "`ledgerstream outbox discard` ends this one."
)
_UNKNOWN: Final = "GET /v1/schemas lists the types; a newer type needs a newer release of Ledgerstream."
# What an attribute of the event is called in the table.
_COLUMNS: Final = {"partitionkey": "aggregateid", "time": "created_at", "$": "payload"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row as it was read. Columns that the application may leave out or misuse are None where they say nothing."""

    position: int
    id: str | None
    aggregatetype: str | None
    aggregateid: str | None
    type: str | None
    payload: str | None
    sequence: int | str | None = None
    created_at: datetime | None = None

    @property
    def aggregate(self) -> tuple[str | None, str | None]:
        """What stays in order."""
        return self.aggregatetype, self.aggregateid


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that is no event. `reason` names column, value and remedy; `column` alone may stand in a log."""

    reason: str
    column: str


def event_of(row: Row, source: str, now: datetime) -> Prepared | Rejected:
    """The event of the row: the same row gives the same event each time, so that what is sent twice is booked once.

    Its id is the row's, its key the aggregate's id as with Debezium, its sequence the row's own or its position.
    """
    try:
        return prepare(_envelope(row, source), now=now, traceparent=_traceparent(source, row))
    except UnknownType:
        return Rejected(f"type: got {shorten(row.type)}, expected a type of this release. {_UNKNOWN} {_MEND}", "type")
    except Refused as refused:
        column = _column(refused.path)
        return Rejected(f"{column}: got {refused.value}, expected {refused.expected}. {_MEND}", column)
    except Exception as error:
        # A bug of ours must not stop the rows behind this one.
        return Rejected(
            f"payload: {type(error).__name__}, which is a bug of Ledgerstream: report it. {_MEND}", "payload"
        )


def _envelope(row: Row, source: str) -> envelopes.Envelope:
    if not row.aggregateid:
        raise Refused("aggregateid", "nothing", "the id of what must stay in order, such as the order's")
    for column in ("id", "aggregateid", "type"):
        _check_text(column, getattr(row, column))
    if row.payload is None:
        raise Refused("payload", "nothing", "the event's data as JSON: an outbox takes no tombstones")
    attributes = {
        "specversion": envelopes.SPEC_VERSION,
        "id": row.id,
        "source": source,
        "type": row.type,
        "partitionkey": row.aggregateid,
        "sequence": row.position if row.sequence is None else row.sequence,
        "time": row.created_at.astimezone(UTC).isoformat() if row.created_at else None,
    }
    # Bytes that are no UTF-8 come as surrogates; as the bytes that they were they are refused for what they are.
    return envelopes.from_attributes(attributes, row.payload.encode(errors="surrogateescape"))


def _check_text(column: str, text: str | None) -> None:
    if text is not None and not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise Refused(column, shorten(text), "UTF-8 text")


def _column(path: str) -> str:
    if path in _COLUMNS:
        return _COLUMNS[path]
    return "payload" + path.removeprefix("data") if path.startswith("data") else path


def _traceparent(source: str, row: Row) -> str:
    """A trace of its own, the same for each time that the row is sent."""
    digest = hashlib.sha256(f"{source}:{row.id}".encode(errors="surrogateescape")).hexdigest()
    return f"00-{digest[:32]}-{digest[32:48]}-01"
