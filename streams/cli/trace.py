"""`ledgerstream trace`: the whole story of an order, an event, a command or a document."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from streams.cli.app import FOUND_WRONG, Failed, app, show
from streams.cli.desk import Json, console, indented, not_empty, nothing_known, on_ledger
from streams.desk.lines import moment, short
from streams.desk.story import Story, command_text, document_text, story_of
from streams.ledger import Ledger


@app.command("trace")
def trace(
    key: Annotated[
        str,
        typer.Argument(
            metavar="KEY",
            help="shop-1:order:1001, an event key, a command id, a document number such as S1-1001, or the mark in a "
            "document's reference",
            callback=not_empty,
        ),
    ],
    as_json: Json = False,
) -> None:
    """Tell everything that happened to it, in order, and how it stands now."""
    show(on_ledger(lambda ledger: _story(ledger, key)), as_json=as_json, people=_print)


async def _story(ledger: Ledger, key: str) -> Story:
    entities = await ledger.timeline.entities(key)
    if len(entities) > 1 and ":" not in key:
        raise Failed(f"{key} means several: write one of {', '.join(entities)}.", FOUND_WRONG)
    timeline = await ledger.timeline.trace(key)
    if not (timeline.entities or timeline.events or timeline.dead_letters):
        raise await nothing_known(ledger, key)
    return story_of(key, timeline, datetime.now(UTC))


def _print(story: Story) -> None:
    out = console()
    out.print(", ".join(story.entities or (story.key,)), style="bold")
    for one in story.happened:
        out.print(f"{moment(one.at)}  {one.about}")
        indented(out, one.text, 4)
    if story.commands or story.dead_letters or story.questions:
        out.print("Now", style="bold")
    for command in story.commands:
        out.print(f"  {command.command_id}")
        indented(out, command_text(command), 4)
    for document in story.documents:
        out.print(f"  {document.effect_key}")
        indented(out, document_text(document), 4)
    for letter in (one for one in story.dead_letters if one.state == "open"):
        indented(out, f"dead letter {letter.short_id}  {letter.cause}: {letter.message}")
        if letter.remedy:
            indented(out, letter.remedy, 4)
        out.print(f"    {letter.command}", soft_wrap=True, style="cyan")
    for question in (one for one in story.questions if one.state == "open"):
        indented(out, f"question {short(question.question_id)}  {question.text}")
        for option in question.options:
            out.print(f"    ledgerstream ask answer {short(question.question_id)} {option.name}", soft_wrap=True)
            indented(out, option.does, 6)
