"""`ledgerstream topics`: create, check and print the topics."""

import asyncio
from typing import Annotated

import typer
from rich.table import Table

from streams import settings
from streams.cli.app import FOUND_WRONG, app, out, show
from streams.kafka import topics as kafka_topics
from streams.kafka.address import kafka_address
from streams.kafka.topics import TopicReport


@app.command("topics")
def topics(
    check: Annotated[bool, typer.Option("--check", help="only compare; create nothing")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Create the topics that are missing, compare the rest with what they should be, and list them."""
    chosen = settings.load()
    work = kafka_topics.check if check else kafka_topics.ensure
    reports = asyncio.run(work(kafka_address(chosen), chosen.topic_prefix))
    show(reports, as_json=as_json, people=_print)
    if any(report.state in ("different", "missing") for report in reports):
        raise typer.Exit(FOUND_WRONG)


def _print(reports: list[TopicReport]) -> None:
    table = Table("topic", "state", "partitions", "holds", box=None, pad_edge=False)
    for report in reports:
        table.add_row(report.name, report.state, str(report.partitions), report.holds)
    out.print(table)
    for report in reports:
        for difference in report.differences:
            out.print(
                f"{report.name}: {difference.setting} is {difference.found}, should be {difference.wanted}. "
                f"{difference.remedy}",
                markup=False,
            )
