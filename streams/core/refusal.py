"""How a record that cannot become commands is told: cause, field, value, why, and what to do."""

import traceback
from typing import Final

from schemas.codec import Refused, shorten
from schemas.commands import Evidence, RefusedEvent
from schemas.dead_letter import STACKTRACE_CHARACTERS_MAX
from schemas.states import Cause, Stage

_REPLAY: Final = "then `ledgerstream dlq replay ID`"


class Unbookable(Exception):
    """A rule cannot book the event: `field` is a path in its data, `remedy` what a person can do."""

    def __init__(self, field: str, value: object, message: str, remedy: str) -> None:
        super().__init__(message)
        self.field = field
        self.value = shorten(value)
        self.message = message
        self.remedy = remedy


def unbookable(error: Unbookable) -> RefusedEvent:
    """A dead letter of cause `data`."""
    evidence = Evidence(message=error.message, field=error.field, value=error.value, remedy=error.remedy)
    return RefusedEvent(cause="data", stage="translate", evidence=evidence)


def refused(error: Refused, cause: Cause, stage: Stage, remedy: str) -> RefusedEvent:
    """A dead letter for what does not fit its contract."""
    message = f"{error.path} is {error.value}, expected {error.expected}."
    return RefusedEvent(
        cause=cause,
        stage=stage,
        evidence=Evidence(message=message, field=error.path, value=error.value, remedy=remedy),
    )


def bug(error: Exception, stage: Stage) -> RefusedEvent:
    """A dead letter for an exception that nobody foresaw: the code must be mended, the event is kept."""
    trace = "".join(traceback.format_exception(error))
    return RefusedEvent(
        cause="bug",
        stage=stage,
        evidence=Evidence(
            message=f"Our code failed on this event ({type(error).__name__}: {error}).",
            remedy=f"Report it with this letter; install the release that mends it, {_REPLAY}.",
            exception_type=type(error).__name__,
            stacktrace=trace[-STACKTRACE_CHARACTERS_MAX:],
        ),
    )
