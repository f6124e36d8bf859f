"""The words for where a command or an event stands, and for why something failed."""

from typing import Final, Literal, get_args

# Design section 6: pending → sent → posted | rejected | pending; rejected → pending by replay.
CommandState = Literal["pending", "sent", "posted", "rejected", "superseded", "same", "discarded"]
COMMAND_STATES: Final[tuple[CommandState, ...]] = get_args(CommandState)

# Where an event ended: the worst of its commands, in this order (G1).
Disposition = Literal["dead_lettered", "waiting", "discarded", "posted", "superseded", "ignored"]
DISPOSITIONS: Final[tuple[Disposition, ...]] = get_args(Disposition)

_OF_STATE: Final[dict[CommandState, Disposition]] = {
    "rejected": "dead_lettered",
    "pending": "waiting",
    "sent": "waiting",
    "discarded": "discarded",
    "posted": "posted",
    "same": "posted",
    "superseded": "superseded",
}


def disposition_of(states: list[CommandState]) -> Disposition:
    """An event's disposition from the states of its commands; without commands it was ignored.

    A command that equals what is already booked counts as posted: its fact stands in the books.
    """
    found = {_OF_STATE[state] for state in states}
    return next((disposition for disposition in DISPOSITIONS if disposition in found), "ignored")


# Design section 7, "Causes". One exhaustive match turns a cause into a reaction (streams/core/reactions.py).
Cause = Literal[
    "transient",
    "throttled",
    "quota",
    "dependency",
    "upgrade",
    "auth",
    "scope",
    "disconnected",
    "data",
    "period_locked",
    "archived_contact",
    "poison",
    "bug",
    "conflict",
    "difference",
]
CAUSES: Final[tuple[Cause, ...]] = get_args(Cause)

Stage = Literal["verify", "normalise", "translate", "intake", "plan", "send"]

# Why a pending command is not sent yet: shown by trace, audit and metrics.
WaitReason = Literal[
    "ready",  # nothing holds it but its turn
    "routing",  # the order that says which organisation it belongs to has not come
    "dependency",  # what it builds on is not posted yet
    "late_dependency",  # no event has told of what it builds on, for longer than sources take
    "dead_dependency",  # what it builds on is a dead letter, or waits for one
    "lane",  # an earlier command of the same entity is not finished
    "dead_head",  # an earlier command of the same entity is a dead letter, or waits for one
    "stop",  # a person or the tool stopped this tenant or source
    "question",  # a person must choose
    "retry",  # Xero asked us to come back later
    "budget",  # the minute or the day is used up, or runs short and calls are filled first
    "version",  # no worker knows its type yet
]
