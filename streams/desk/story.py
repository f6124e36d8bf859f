"""A timeline as lines in order, for people. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from connectors.xero.wire import amount
from schemas.codec import shorten
from schemas.money import for_people
from streams.core.situation import RESTORED
from streams.desk.lines import LetterLine, line_of, moment, short
from streams.ledger.asking import Question
from streams.ledger.timeline import (
    CallView,
    CommandView,
    DocumentView,
    EventView,
    NewsView,
    Timeline,
    TransitionView,
)


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened. `about` is an event key, a command id, a call or a question."""

    at: datetime
    about: str
    text: str


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """`trace --json` (a contract): what happened, in order, and how everything stands now."""

    key: str
    entities: tuple[str, ...]
    happened: tuple[Happened, ...]
    events: tuple[EventView, ...]
    commands: tuple[CommandView, ...]
    documents: tuple[DocumentView, ...]
    calls: tuple[CallView, ...]
    dead_letters: tuple[LetterLine, ...]
    questions: tuple[Question, ...]
    news: tuple[NewsView, ...] = ()


def story_of(key: str, timeline: Timeline, now: datetime) -> Story:
    """The story of what `key` means."""
    told = [
        *(_event(one) for one in timeline.events),
        *(_transition(one) for one in timeline.transitions),
        *(_call(one) for one in timeline.calls),
        *(
            Happened(at=one.asked_at, about=f"question {short(one.question_id)}", text=one.text)
            for one in timeline.questions
        ),
        # What a write of ours did is told by its command.
        *(_changed(one) for one in timeline.news if one.data["by"] != "us"),
    ]
    return Story(
        key=key,
        entities=timeline.entities,
        # Within one moment: what came in, then what was decided, then what was sent; the sort is stable.
        happened=tuple(sorted(told, key=lambda one: one.at)),
        events=timeline.events,
        commands=timeline.commands,
        documents=timeline.documents,
        calls=timeline.calls,
        dead_letters=tuple(line_of(row, now) for row in timeline.dead_letters),
        questions=timeline.questions,
        news=timeline.news,
    )


def command_text(one: CommandView) -> str:
    """How a command stands: `UpsertInvoice, sequence 3: pending (lane: ... , until ...)`."""
    sequence = "" if one.sequence is None else f", sequence {one.sequence}"
    waits = ""
    if one.why is not None:
        until = f", until {moment(one.until)}" if one.until is not None else ""
        waits = f" ({one.waits_for}: {one.why}{until})"
    return f"{one.kind}{sequence}: {one.state}{waits}"


def document_text(one: DocumentView) -> str:
    """A document with number, status and money, as far as Xero told them, and when it did."""
    if one.xero_id is None:
        return "not in Xero"
    body: Mapping[str, Any] = one.body if isinstance(one.body, Mapping) else {}
    seen = None if one.read_at is None else f"seen {moment(one.read_at)}"
    parts = [one.resource, one.number, body.get("Status"), *_money(body), one.tenant, one.xero_id, seen]
    return ", ".join(str(part) for part in parts if part)


def _money(body: Mapping[str, Any]) -> list[str]:
    """What a document comes to; of an invoice that stands, also what was paid and is due."""
    # A payment has the currency of what it pays.
    of = body if "CurrencyCode" in body else body.get("Invoice") or body.get("CreditNote") or {}
    told = {"total": body.get("Total", body.get("Amount"))}
    if body.get("Status") not in ("VOIDED", "DELETED"):
        told |= {"paid": body.get("AmountPaid"), "due": body.get("AmountDue")}
    amounts = {word: amount(value) for word, value in told.items()}
    currency = str(of.get("CurrencyCode"))
    return [f"{word} {for_people(value, currency)}" for word, value in amounts.items() if value is not None]


def _changed(one: NewsView) -> Happened:
    """What somebody did in Xero, or the clock, with each field before and after."""
    data = one.data
    fields = "; ".join(
        f"{field['field']} {shorten(field.get('before') or '')} → {shorten(field.get('after') or '')}"
        for field in data.get("fields", ())
    )
    text = f"in Xero, not by us: {', '.join(data['changes'])}{f': {fields}' if fields else ''}"
    return Happened(at=one.at, about=str(data.get("number") or data.get("name") or one.xero_id), text=text)


def _event(one: EventView) -> Happened:
    kind = (one.type or "record").removeprefix("com.ledgerstream.").removesuffix(".v1")
    reason = f": {one.reason}" if one.reason else ""
    where = f"{one.topic}:{one.partition}:{one.offset}"
    return Happened(at=one.recorded_at, about=one.event_key, text=f"{kind} came ({where}), {one.outcome}{reason}")


def _transition(one: TransitionView) -> Happened:
    change = f"{one.from_state} → {one.to_state}" if one.from_state else one.to_state
    more = [one.xero_number, one.reason, f"call {one.call}" if one.call is not None else None]
    detail = ", ".join(part for part in more if part)
    by = "" if one.actor == "worker" else f" by {one.actor}"
    return Happened(at=one.at, about=one.subject, text=f"{change}{by}{f': {detail}' if detail else ''}")


def _call(one: CallView) -> Happened:
    if one.purpose == RESTORED:
        text = f"asked in Xero because a backup was put back: {one.path.removeprefix('/')}"
        return Happened(at=one.opened_at, about=f"call {one.number}", text=text)
    status = "no answer yet" if one.status is None else f"answered {one.status}"
    correlation = f", correlation id {one.correlation_id}" if one.correlation_id else ""
    detail = f", {one.detail}" if one.detail else ""
    text = f"{one.purpose} {one.method} {one.path}: {status}{correlation}{detail}"
    return Happened(at=one.opened_at, about=f"call {one.number}", text=text)
