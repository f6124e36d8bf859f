"""`ledgerstream receiver`: the way in over HTTP."""

from streams import settings
from streams.cli.app import app, progress
from streams.cli.running import until_stopped


@app.command("receiver")
def receiver() -> None:
    """Take events and webhooks over HTTP until Ctrl-C."""

    def ready(host: str, port: int) -> None:
        progress.print(f"The receiver takes events at http://{host}:{port}/v1/events. Ctrl-C stops it.")

    # Loaded here, so that the list of all verbs need not wait for it.
    from streams import bootstrap

    until_stopped(settings.load(), lambda chosen, stop: bootstrap.run_receiver(chosen, stop, ready))
