"""`ledgerstream worker`: the agents, the sender and the publisher."""

from typing import Annotated

import typer

from streams import settings
from streams.cli.app import app, progress
from streams.cli.running import until_stopped


@app.command("worker")
def worker(
    restored: Annotated[
        bool, typer.Option("--restored", help="the ledger is a backup that was put back: look in Xero before sending")
    ] = False,
) -> None:
    """Turn events into documents in Xero until Ctrl-C."""

    def ready(host: str, port: int) -> None:
        progress.print(f"The worker is ready; http://{host}:{port}/metrics shows how it does. Ctrl-C stops it.")

    # Loaded here, so that the list of all verbs need not wait for it.
    from streams import bootstrap

    until_stopped(settings.load(), lambda chosen, stop: bootstrap.run_worker(chosen, stop, ready, restored=restored))
