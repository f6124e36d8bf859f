"""`ledgerstream ask`: questions are listed with both sides next to each other, and answered."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from streams.cli.app import app, show
from streams.cli.desk import DryRun, Json, actor, console, indented, not_empty, on_ledger
from streams.desk.lines import entity, moment, short, side_text
from streams.ledger import Ledger
from streams.ledger.asking import AnswerReport, Question

ask = typer.Typer(help="Questions that a person must answer.", no_args_is_help=True)
app.add_typer(ask, name="ask")


@ask.command("list")
def list_(
    all_: Annotated[bool, typer.Option("--all", help="answered questions as well")] = False, as_json: Json = False
) -> None:
    """List the open questions, oldest first, each with what every answer does."""

    async def work(ledger: Ledger) -> list[Question]:
        return list(await ledger.questions.list(state=None if all_ else "open"))

    show(on_ledger(work), as_json=as_json, people=_questions)


@ask.command("answer")
def answer(
    identifier: Annotated[
        str, typer.Argument(metavar="ID", help="the question's id, or the beginning of it", callback=not_empty)
    ],
    option: Annotated[str, typer.Argument(metavar="OPTION", help="one of its options")],
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Do what an option of a question says."""

    async def work(ledger: Ledger) -> AnswerReport:
        return await ledger.questions.answer(identifier, option, actor(), dry_run=dry_run)

    show(on_ledger(work), as_json=as_json, people=_answered)


def _questions(found: Sequence[Question]) -> None:
    out = console()
    for one in found:
        about = entity(one.entity_key) if one.entity_key else one.event_key or ""
        out.print(f"{short(one.question_id)}  {moment(one.asked_at)}  {about}", style="bold")
        indented(out, one.text)
        table = Table("", "ours", "theirs", box=None, pad_edge=False)
        for name in dict.fromkeys((*one.ours, *one.theirs)):
            table.add_row(f"  {name}", *(side_text(name, side) for side in (one.ours, one.theirs)))
        out.print(table)
        if one.state != "open":
            out.print(f"  answered {one.answer} by {one.actor}, {moment(one.answered_at)}")
            continue
        for option in one.options:
            out.print(f"  ledgerstream ask answer {short(one.question_id)} {option.name}", soft_wrap=True, style="cyan")
            indented(out, option.does, 4)
    if not found:
        out.print("No questions: nothing waits for an answer.")


def _answered(report: AnswerReport) -> None:
    word = "With this answer" if report.dry_run else "Answered"
    state = f" Its command is {report.state}." if report.state else ""
    console().print(f"{word}: {report.does}.{state} {report.freed} commands may go now.")
