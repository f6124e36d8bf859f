"""An answer, or none → what became of each write of the call (design 7.5 to 7.7). Pure."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from connectors.xero import answers, refusals
from connectors.xero.answers import ElementOutcome, Elements, Trouble
from connectors.xero.refusals import Refusal
from connectors.xero.ticket import Answer, NoAnswer
from schemas.commands import Evidence
from schemas.states import Cause
from streams.core.decide_contact import ALIAS, NAME_HINT
from streams.core.decisions import BATCH_HINT, READ_AFTER
from streams.core.posted import posted
from streams.core.reactions import reaction_to, retry_at, throttled_s
from streams.core.results import Back, Rejected, Result, Stop
from streams.core.situation import OpenWrite


@dataclass(frozen=True, slots=True)
class Settled:
    """One result per write, and the stop of the tenant if the answer calls for one."""

    results: tuple[Result, ...]
    stop: Stop | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A write whose refusal may mean that it is there already."""

    item: OpenWrite
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class LookFirst:
    """Some writes have their results; for the others Xero must be looked at before they can have one."""

    results: tuple[Result, ...]
    refused: tuple[Refused, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows whether the call was carried out. `not_before`: when the limit allows the next step."""

    reason: str
    not_before: dt.datetime | None = None


Verdict = Settled | LookFirst | Unknown

# A token that Xero calls expired although it is new each time: the clock of this machine is wrong.
_EXPIRED_TOKENS_MAX: Final = 5
# 2 calls a level (50 → 25 → 13 → 7 → 4): 8 calls at most, then what is left is rejected together.
_SMALLEST_SUSPECTS: Final = 4
_PLACE: Final = re.compile(r"Path '\w+\[(\d+)\]")
_BY_LOOKING: Final = frozenset({"number_taken", "contact_number_taken", "name_taken", "exceeds", "not_authorised"})
StopCause = Literal["auth", "scope", "disconnected"]
_STOP_REMEDY: Final[dict[StopCause, str]] = {
    "auth": "Check client id and secret (`ledgerstream check`)",
    "scope": "Give the app the scope in Xero's developer portal and connect it anew",
    "disconnected": "Connect the organisation to the app again in Xero's developer portal",
}


def judge(items: Sequence[OpenWrite], outcome: Answer | NoAnswer, *, first: bool, now: dt.datetime) -> Verdict:
    """What an outcome means for the writes of a call. `first`: no earlier send of it may have reached Xero."""
    if isinstance(outcome, NoAnswer):
        if outcome.left or not first:
            return Unknown(outcome.detail)
        return Settled(tuple(_back(item, "transient", outcome.detail, now) for item in items))
    resource = items[0].write.resource
    meaning = answers.read(outcome, resource)
    if isinstance(meaning, Trouble):
        return _trouble(items, meaning, first=first, now=now)
    return _elements(items, meaning, outcome, now)


def _elements(items: Sequence[OpenWrite], found: Elements, answer: Answer, now: dt.datetime) -> Verdict:
    if len(found.outcomes) != len(items):
        return Unknown(f"{len(items)} elements were sent and {len(found.outcomes)} came back")
    results: list[Result] = []
    refused: list[Refused] = []
    for item, outcome in zip(items, found.outcomes, strict=True):
        if not _is_answer_to(item, outcome):
            return Unknown(f"{outcome.number} came back in the place of {item.write.number}")
        ending = _element(item, outcome, answer, now)
        if isinstance(ending, Refused):
            refused.append(ending)
        else:
            results.append(ending)
    return LookFirst(tuple(results), tuple(refused)) if refused else Settled(tuple(results))


def _is_answer_to(item: OpenWrite, outcome: ElementOutcome) -> bool:
    """Whether the element is about the write: same number, as far as both sides name one."""
    ours, theirs = item.write.number, outcome.number
    return not ours or not theirs or ours.casefold() == theirs.casefold()


def _element(item: OpenWrite, outcome: ElementOutcome, answer: Answer, now: dt.datetime) -> Result | Refused:
    write = item.write
    if outcome.kept:
        return posted(item, outcome.body, now, f"{write.step}: Xero kept it")
    refusal = refusals.explain(write.resource, write.element, outcome.errors)
    refusal = with_call(refusal, answer)
    if refusal.kind == "name_taken" and item.command.hints.get(NAME_HINT) != ALIAS:
        # Were it our own contact that has the name, our number would be refused as well, now or with the alias.
        return _alias_next(item)
    if write.step == "create" and refusal.kind in _BY_LOOKING:
        return Refused(item, refusal)
    if write.step == "delete" and refusal.kind == "already_deleted":
        return posted(item, outcome.body, now, "it was deleted in Xero already")
    if refusal.kind == "has_payments" or (refusal.kind == "not_authorised" and write.step != "create"):
        hints = {READ_AFTER: now.isoformat()}
        return _back(item, "transient", "it was paid in Xero meanwhile; it is read again", now, hints)
    return reject(item, refusal)


def _alias_next(item: OpenWrite) -> Back:
    """Another contact has the name: ours takes the alias, which has the customer number in it."""
    return Back(
        command_id=item.command.command_id,
        cause="transient",
        reason="another contact in Xero has this name; ours gets the customer number behind it",
        hints={NAME_HINT: ALIAS},
    )


def reject(item: OpenWrite, refusal: Refusal) -> Rejected:
    """A dead letter. A refusal that would be a question where it can be looked into is one of data here."""
    cause = refusal.cause if reaction_to(refusal.cause) == "dead_letter" else "data"
    return Rejected(command_id=item.command.command_id, cause=cause, evidence=refusal.evidence)


def with_call(refusal: Refusal, answer: Answer) -> Refusal:
    """The refusal with the call's status and correlation id in its evidence."""
    evidence = msgspec.structs.replace(
        refusal.evidence, http_status=answer.status, xero_correlation_id=answer.correlation_id
    )
    return Refusal(refusal.kind, refusal.cause, evidence)


def _trouble(items: Sequence[OpenWrite], trouble: Trouble, *, first: bool, now: dt.datetime) -> Verdict:
    if trouble.kind in answers.PROVES_NOTHING_DONE:
        if not first:
            until = _throttled_until(trouble, now) if trouble.kind == "throttled" else None
            return Unknown(trouble.message, until)
        return _nothing_done(items, trouble, now)
    if trouble.kind in ("malformed", "not_found", "refused"):
        return Settled(_whole_call_refused(items, trouble, now))
    return Unknown(trouble.message)


def _nothing_done(items: Sequence[OpenWrite], trouble: Trouble, now: dt.datetime) -> Settled:
    if trouble.kind == "throttled":
        cause: Cause = "quota" if trouble.window == "day" else "throttled"
        at = _throttled_until(trouble, now)
        return Settled(tuple(_back(item, cause, trouble.message, at) for item in items))
    if trouble.kind == "token_expired" and all(item.command.attempts < _EXPIRED_TOKENS_MAX for item in items):
        return Settled(tuple(_new_token(item, now) for item in items))
    kind: StopCause = "auth" if trouble.kind not in ("scope", "disconnected") else trouble.kind
    stop = _stop_by(kind, trouble)
    return Settled(tuple(_back(item, kind, stop.evidence.message, now) for item in items), stop)


def _throttled_until(trouble: Trouble, now: dt.datetime) -> dt.datetime:
    return retry_at(now, 0, throttled_s(trouble.window or "unknown", trouble.retry_after_s))


def _new_token(item: OpenWrite, now: dt.datetime) -> Back:
    """At once with a new token; should that be expired too, later each time."""
    attempts = item.command.attempts
    return Back(
        command_id=item.command.command_id,
        cause="transient",
        reason="the token had expired",
        not_before=now if attempts == 0 else retry_at(now, attempts),
    )


def shut_out(trouble: Trouble) -> Stop | None:
    """The stop of the tenant where an answer to a read, a look or a resend says that Xero does not let us in."""
    if trouble.kind in ("auth", "scope", "disconnected"):
        return _stop_by(trouble.kind, trouble)
    return None


def _stop_by(cause: StopCause, trouble: Trouble) -> Stop:
    return stop_for(cause, f"Xero refuses calls for this organisation: {trouble.message}", status=trouble.status)


def stop_for(cause: StopCause, message: str, remedy: str | None = None, status: int | None = None) -> Stop:
    """The stop of a tenant that Xero does not let in. The command that lifts it is added to the remedy; the ledger
    knows which tenant it must name."""
    words = f"{remedy or _STOP_REMEDY[cause]}, then `ledgerstream resume`."
    evidence = Evidence(message=message, http_status=status, remedy=words)
    return Stop(cause=cause, evidence=evidence)


def _whole_call_refused(items: Sequence[OpenWrite], trouble: Trouble, now: dt.datetime) -> tuple[Result, ...]:
    """One element spoils the call for all: it is named by Xero, or it is found by halving (design 7.5)."""
    named = _PLACE.search(trouble.message)
    if named is not None and int(named[1]) < len(items):
        culprit = int(named[1])
        return tuple(
            _spoilt(item, trouble) if place == culprit else _back(item, "transient", "sent with a bad one", now)
            for place, item in enumerate(items)
        )
    if len(items) <= _SMALLEST_SUSPECTS:
        return tuple(_spoilt(item, trouble) for item in items)
    half = str((len(items) + 1) // 2)
    return tuple(_back(item, "transient", "sent with a bad one", now, {BATCH_HINT: half}) for item in items)


def _spoilt(item: OpenWrite, trouble: Trouble) -> Rejected:
    evidence = Evidence(
        message=f"Xero refused the whole call that this was sent in: {trouble.message}",
        remedy="Mend what Xero names, in the source or in the tenant file, then `ledgerstream dlq replay ID`; "
        "where nothing is wrong with it, replay it by itself.",
        http_status=trouble.status,
        xero_error_number=trouble.error_number,
    )
    cause: Cause = "poison" if trouble.kind == "malformed" else "data"
    return Rejected(command_id=item.command.command_id, cause=cause, evidence=evidence)


def _back(item: OpenWrite, cause: Cause, reason: str, at: dt.datetime, hints: dict[str, str] | None = None) -> Back:
    if cause == "transient" and hints is None:
        at = retry_at(at, item.command.attempts)
    return Back(command_id=item.command.command_id, cause=cause, reason=reason, not_before=at, hints=hints or {})
