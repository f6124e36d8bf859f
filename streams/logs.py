"""Structured logs: one JSON object a line, without secrets and personal data.

What a line may carry is a list of names, not a list of what to leave out: a new field is dropped until somebody
decides that it is neither secret nor personal.
"""

import json
import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import orjson
import structlog

FIELDS: Final = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "logger",
        "exception",
        "stage",
        "source",
        "event_key",
        "event_type",
        "command_id",
        # What a call's commands became, by their ids.
        "posted",
        "same",
        "rejected",
        "asked",
        "back",
        "effect_key",
        "tenant",
        "endpoint",
        "method",
        "path",
        "route",
        "status",
        "result",
        "elements",
        "call",
        "attempt",
        "sends",
        "xero_correlation_id",
        "cause",
        "reason",
        "remedy",
        "seconds",
        "duration_s",
        "topic",
        "partition",
        "offset",
        "records",
        "duplicates",
        "count",
        "bytes",
        "host",
        "port",
        "window",
        "dlq_id",
        "question",
        "version",
        "ledger_id",
        "traceparent",
        "trace_id",
        "error",
        "error_type",
        "where",
        "state",
        "purpose",
        "config_version",
    }
)


def _only_known(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if event.keys() <= FIELDS:
        return event
    dropped = [name for name in event if name not in FIELDS and not name.startswith("_")]
    for name in dropped:
        del event[name]
    return event


def _to_json(fields: Any, **_options: Any) -> str:
    try:
        return orjson.dumps(fields, default=repr).decode()
    except TypeError:
        # Half a surrogate pair in what somebody sent: the slower way writes it escaped.
        return json.dumps(fields, default=repr)


def configure(level: str, form: str) -> None:
    """Set up logging for the process, on stderr: `form` is json or console."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _only_known,
    ]
    renderer = (
        structlog.processors.JSONRenderer(_to_json) if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        # Else every line puts its logger together anew, which takes longer than to write it.
        cache_logger_on_first_use=True,
    )
    # Libraries log through the standard module. At INFO they cost throughput (facts: faust) and may print addresses.
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", force=True
    )
    # What aiokafka tries again by itself it logs as an error; what it gives up on is raised, and told by our own words.
    logging.getLogger("aiokafka").setLevel(logging.WARNING if level == "debug" else logging.CRITICAL)
    for name in ("faust", "mode", "aiohttp.access", "sqlalchemy.engine"):
        logging.getLogger(name).setLevel(logging.WARNING)


def crashed(error: BaseException) -> None:
    """A bug or a failure that nobody foresaw ends the process: the log says all that is known of it."""
    structlog.get_logger().error("the process ends", error=repr(error), exc_info=error)
