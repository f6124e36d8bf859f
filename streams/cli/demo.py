"""`ledgerstream demo`: a day of a shop, end to end, into a sandbox of Xero."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from streams import settings
from streams.cli.app import FOUND_WRONG, Failed, app, print_json
from streams.demo import DemoFailed
from streams.demo.outcome import Outcome
from streams.demo.performance import Wishes, perform
from streams.demo.teller import Teller


@app.command("demo")
def demo(
    keep: Annotated[bool, typer.Option("--keep", help="leave everything running and print the addresses")] = False,
    speed: Annotated[
        float, typer.Option(min=1.0, max=60.0, help="let the minute of the sandbox's limits run so many times faster")
    ] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="end with one JSON line on stdout")] = False,
) -> None:
    """Send a day of a shop through Kafka into a sandbox of Xero, mend what fails, and check it to the penny."""
    chosen = settings.load()
    wishes = Wishes(
        speed=speed,
        keep=keep,
        tenants=chosen.tenants,
        kafka=chosen.kafka_bootstrap_servers,
        kafka_image=chosen.kafka_image,
        shared=chosen.home,
    )
    # Tables must wrap, so the frame's consoles, which never do, do not serve.
    teller = Teller(Console(stderr=as_json, highlight=False))
    outcomes: list[Outcome] = []

    def told(outcome: Outcome) -> None:
        outcomes.append(outcome)
        _verdict(outcome, teller, as_json=as_json)

    try:
        asyncio.run(perform(wishes, settings.environment(), teller, told))
    except DemoFailed as error:
        raise Failed(str(error), FOUND_WRONG) from None
    except asyncio.CancelledError:
        raise typer.Exit(130) from None
    if outcomes[0].problems():
        raise typer.Exit(FOUND_WRONG)


def _verdict(outcome: Outcome, teller: Teller, *, as_json: bool) -> None:
    problems = outcome.problems()
    if problems:
        teller.act("It does not hold")
        for problem in problems:
            teller.say(f"✗ {problem}")
    else:
        teller.act("It holds: nothing lost, nothing doubled, to the penny.")
        for letter in outcome.left:
            teller.say(f"One letter is left for you ({letter.what}): {letter.remedy}")
    if as_json:
        print_json(outcome.summary())
