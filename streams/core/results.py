"""What became of a write, or of a command that needed none: the sender settles exactly one of these per command."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import msgspec

from schemas.commands import Evidence
from schemas.states import Cause
from streams.core.situation import Document, Resource, Version


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """The effect stands in Xero. `sent` is the element as we sent it, `reason` says what happened in words."""

    command_id: str
    resource: Resource | None
    xero_id: str | None
    number: str | None
    document: Document | None
    sent: Mapping[str, Any] | None
    reason: str


class Same(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing to do: the books hold it already."""

    command_id: str
    reason: str


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter: a person must mend it."""

    command_id: str
    cause: Cause
    evidence: Evidence


class Back(msgspec.Struct, frozen=True, kw_only=True):
    """Pending again. `hints` are kept for planning; `document` is what a read or refusal taught about Xero, `sent` the
    version that we are taken to have sent for it last."""

    command_id: str
    cause: Cause
    reason: str
    not_before: dt.datetime | None = None
    hints: Mapping[str, str] = {}
    document: Document | None = None
    sent: Version | None = None


class Option(msgspec.Struct, frozen=True):
    """One answer to a question and what it does."""

    name: str
    does: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A choice that a person must make. `ours` and `theirs` are shown side by side.

    With `posted` the effect stands in Xero all the same, and only its lane waits for the answer (G6).
    """

    command_id: str
    kind: str
    text: str
    ours: Mapping[str, Any]
    theirs: Mapping[str, Any]
    options: tuple[Option, ...]
    cause: Cause = "conflict"
    posted: Posted | None = None


Result = Posted | Same | Rejected | Back | Asked


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """The whole tenant must pause: auth, scope or connection. `evidence` says why and what to do."""

    cause: Cause
    evidence: Evidence
