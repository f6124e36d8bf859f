"""Dead letters for people: short blocks that fit a narrow terminal as well as a wide one."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from streams.cli.desk import console, indented
from streams.desk.letter import LetterView
from streams.desk.lines import LetterLine, age, moment
from streams.desk.replaying import CommandChange, Went
from streams.ledger.discarding import DiscardReport


def lines(found: Sequence[LetterLine]) -> None:
    """A block a letter. The command stands alone on its line, so that it can be copied whole."""
    out = console()
    for line in found:
        closed = "" if line.state == "open" else ", closed"
        out.print(f"{line.short_id}  {age(line.age_s)}  {line.cause}{closed}  {line.what}", style="bold")
        indented(out, line.message)
        if line.field is not None:
            indented(out, f"{line.field}: {line.value}")
        if line.remedy and line.state == "open":
            indented(out, line.remedy)
        if line.state == "open":
            out.print(f"  {line.command}", soft_wrap=True, style="cyan")
    out.print(_count(len(found), "dead letter") if found else "No dead letters: there is nothing to mend.")


def groups(found: Mapping[str, int], group: str) -> None:
    """How many letters of each."""
    table = Table(group, "letters", box=None, pad_edge=False)
    for name, number in found.items():
        table.add_row(name, str(number))
    console().print(table)


def letter(view: LetterView) -> None:
    """Everything about one letter."""
    out, line = console(), view.line
    out.print(f"{line.id}  {line.what}", style="bold")
    facts = {
        "cause": f"{line.cause}, at {line.stage}",
        "message": line.message,
        "field": line.field,
        "value": line.value,
        "remedy": line.remedy,
        "event": line.event_key,
        "entity": line.entity_key,
        "record": view.position,
        "failed": f"{moment(line.first_failed_at)}, {_count(line.attempts, 'attempt')}, "
        f"{_count(line.replay_count, 'replay')}",
        "answer": _answer(view),
        "closed": f"{moment(view.closed_at)} by {view.closed_by}: {view.closed_reason}" if view.closed_at else None,
        "edited by": view.edited_by,
    }
    table = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        if value:
            table.add_row(name, str(value))
    out.print(table)
    if line.state == "open":
        out.print(f"  {line.command}", soft_wrap=True, style="cyan")
    _block(out, "Event", view.event)
    if view.command is not None:
        _block(out, f"Command {view.command.command_id}, {view.command.state}", view.command.payload)
    _block(out, "What was asked of Xero", view.request)
    for call in view.calls:
        status = call.status if call.status is not None else "no answer"
        out.print(f"Call {call.number}  {call.method} {call.path}: {status}  {call.correlation_id or ''}")
    for one in view.history:
        out.print(f"{moment(one.at)}  {one.to_state} by {one.actor}  {one.reason or ''}")
    for waits in view.waiting_for_it:
        out.print(f"Waits for it: {waits.command_id} ({waits.why})")


def went(one: Went) -> None:
    """What became of a letter."""
    out = console()
    done = {"replayed": "goes back", "refused": "did not go back", "ignored": "is ignored", "waiting": "waits"}
    would = {
        "replayed": "would go back",
        "refused": "would not go back",
        "ignored": "would be ignored",
        "waiting": "would wait",
    }
    words = would if one.dry_run else done
    out.print(f"{one.what}: {words[one.result]}. {one.text}", style=None if one.ok else "red")
    if one.remedy:
        indented(out, one.remedy)
    if one.dry_run:
        for command in one.commands:
            _change(out, command)


def all_went(found: Sequence[Went]) -> None:
    """The sum of a replay."""
    back = sum(one.ok for one in found)
    word = "would go back" if found and found[0].dry_run else "went back"
    console().print(f"{back} of {_count(len(found), 'dead letter')} {word}.")


def discarded(report: DiscardReport) -> None:
    """What a discard did."""
    out = console()
    word = "Would be discarded" if report.dry_run else "Discarded"
    out.print(f"{word}: {', '.join(report.discarded) or report.dlq_id}. {report.freed} others may go now.")


def _change(out: Console, command: CommandChange) -> None:
    out.print(f"  {command.kind} {command.command_id}: {command.from_state or 'new'} → {command.to_state}")
    for change in command.changes:
        out.print(f"    {change.path}: {_short(change.before)} → {_short(change.after)}")


def _short(value: Any) -> str:
    return "nothing" if value is None else msgspec.json.encode(value).decode()


def _answer(view: LetterView) -> str | None:
    evidence = view.evidence
    if evidence.http_status is None:
        return None
    said = "; ".join(evidence.xero_validation)
    return f"{evidence.http_status} {said} (correlation id {evidence.xero_correlation_id or 'none'})"


def _block(out: Console, title: str, value: Any) -> None:
    if value is not None:
        out.print(title, style="bold")
        out.print(msgspec.json.format(msgspec.json.encode(value)).decode())


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
