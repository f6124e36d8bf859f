"""`ledgerstream kafka`: the local broker in the foreground, for people."""

from typing import Annotated

import typer

from streams import settings
from streams.cli.app import app, progress
from streams.kafka import local


@app.command("kafka")
def kafka(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="the port to listen on; a free one if left out")
    ] = None,
) -> None:
    """Run a local Apache Kafka until Ctrl-C. Its data stays in LEDGERSTREAM_HOME."""

    def ready(broker: local.Kafka) -> None:
        progress.print(f"Kafka answers at {broker.bootstrap}. In another terminal:")
        progress.print(f"  export KAFKA_BOOTSTRAP_SERVERS={broker.bootstrap}")
        progress.print("Ctrl-C stops it.")

    local.serve(settings.load().home, ready, port=port)
