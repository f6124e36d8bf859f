"""`ledgerstream audit`: every accepted record has exactly one end, and the sum adds up."""

from typing import Annotated

import typer
from rich.table import Table

from schemas.topics import EVENT_TOPICS, TOPICS, name_of
from streams import settings
from streams.cli.app import FOUND_WRONG, app, show
from streams.cli.desk import Json, configuration, console, on_ledger
from streams.desk.auditing import AuditView, compare, view_of
from streams.kafka.address import kafka_address
from streams.ledger import Ledger
from streams.settings import Settings


@app.command("audit")
def audit(
    kafka: Annotated[
        bool, typer.Option("--kafka", help="read the events and requests in Kafka again and compare")
    ] = False,
    as_json: Json = False,
) -> None:
    """Count where everything ended, and check that nothing is missing or counted twice. Ends with 1 if it is."""
    found = settings.load()
    bootstrap = kafka_address(found) if kafka else None

    async def work(ledger: Ledger) -> AuditView:
        if bootstrap is None:
            return view_of(await ledger.audits.audit(), await ledger.figures.egress())
        return await _with_kafka(ledger, found, bootstrap)

    view = on_ledger(work, found)
    show(view, as_json=as_json, people=_print)
    if not view.ok:
        raise typer.Exit(FOUND_WRONG)


async def _with_kafka(ledger: Ledger, chosen: Settings, bootstrap: str) -> AuditView:
    # The libraries of Kafka and of the connectors take long to load, and are needed for this alone.
    from streams.desk.auditing_raw import compare_raw
    from streams.kafka.reader import ahead, committed, reread

    prefix = chosen.topic_prefix
    # What normalise has done with is looked at first, and what the ledger has after it: so nothing is missing only
    # because it was on its way between the two looks.
    passed = await committed(bootstrap, prefix, "raw", chosen.consumer_group)
    report = await ledger.audits.audit()
    taken_in = {(name_of(one.topic, ""), one.partition): one.next_offset for one in report.topics}
    events = {place: end for place, end in taken_in.items() if place[0] in EVENT_TOPICS}
    commands = await ledger.intake.offsets(range(TOPICS["commands"].partitions))
    starts = {**events, **{("commands", number): offset for number, offset in commands.items()}}
    number, problems = await compare(ledger, reread(bootstrap, prefix, events))
    requests, more = await compare_raw(
        ledger,
        reread(bootstrap, prefix, passed),
        lambda: configuration(chosen),
        lambda: ahead(bootstrap, prefix, (*EVENT_TOPICS, "commands"), starts),
    )
    return view_of(report, await ledger.figures.egress(), number + requests, (*problems, *more))


def _print(view: AuditView) -> None:
    out = console()
    table = Table("topic", "records", "= events", "+ duplicates", "+ refused", box=None, pad_edge=False)
    for one in view.topics:
        numbers = (one.records, one.events, one.duplicates, one.refused)
        table.add_row(f"{one.topic}:{one.partition}", *(str(number) for number in numbers))
    table.add_row("all", *(str(number) for number in (view.records, view.events, view.duplicates, view.refused)))
    out.print(table)
    ends = {**{word.replace("_", " "): number for word, number in view.dispositions.items()}}
    ends["duplicate"] = view.duplicates
    told = ", ".join(f"{number} {word}" for word, number in ends.items() if number) or "nothing came yet"
    out.print(f"Where {view.records} records ended: {told}.")
    for title, counts in (
        ("Commands that wait, by reason", view.waiting),
        ("Open dead letters, by cause", view.open_dead_letters),
    ):
        if counts:
            out.print(f"{title}: {', '.join(f'{number} {word}' for word, number in counts.items())}.")
    out.print(f"Open questions: {view.open_questions}. Changes that Kafka was not told yet: {view.unpublished}.")
    if view.egress:
        told = ", ".join(f"{tenant} {size / 1e6:.1f} MB" for tenant, size in sorted(view.egress.items()))
        out.print(f"Xero has answered this month: {told}.")
    if view.reread is not None:
        out.print(f"Read again from Kafka and compared: {view.reread} records.")
    for problem in view.problems:
        out.print(f"✗ {problem}", style="red")
    out.print("The audit holds." if view.ok else "The audit does not hold: `ledgerstream trace KEY` tells the story.")
