"""`ledgerstream sandbox`: a system of the outside world, on this machine, to try things on."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from connectors.sandboxes.running import Options as Serving
from connectors.shopify import sandbox as shop
from connectors.stripe import sandbox as account
from connectors.xero.sandbox import Options, Switches, main_async
from streams.cli.app import DOES_NOT_FIT, Failed, app

sandbox = typer.Typer(help="Run a sandbox of an outside system.", no_args_is_help=True)
app.add_typer(sandbox, name="sandbox")


@sandbox.command("xero")
def xero(
    host: Annotated[str, typer.Option(help="the address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="the port to listen on; 0 for a free one")] = 0,
    state: Annotated[Path | None, typer.Option(help="keep the books in this file")] = None,
    speed: Annotated[
        float, typer.Option(min=0.01, help="let the minute of its limits run this many times faster")
    ] = 1.0,
    switch: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE of a point that is not settled about Xero; may be repeated")
    ] = None,
    webhooks_to: Annotated[str, typer.Option(help="send its webhooks to this address")] = "",
    webhooks_key: Annotated[str, typer.Option(help="the key that signs them")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="print how to connect as one JSON line")] = False,
) -> None:
    """Run a server that behaves like Xero, until Ctrl-C. Prints client id, secret and tenant ids."""
    switches = _switches(switch or [])
    try:
        options = Options(
            host=host,
            port=port,
            state_path=state,
            speed=speed,
            switches=switches,
            webhooks_to=webhooks_to,
            webhooks_key=webhooks_key,
            as_json=as_json,
        )
    except ValueError as error:
        raise Failed(f"--webhooks-to, --webhooks-key: {error}", DOES_NOT_FIT) from None
    raise typer.Exit(asyncio.run(main_async(options)))


@sandbox.command("shopify")
def shopify(
    host: Annotated[str, typer.Option(help="the address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="the port to listen on; 0 for a free one")] = 0,
    webhooks_to: Annotated[str, typer.Option(help="send its webhooks to this address")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="print how to connect as one JSON line")] = False,
) -> None:
    """Run a server that behaves like a shop at Shopify, until Ctrl-C. Prints its secret and its API's token."""
    _serve(shop.main_async, host, port, webhooks_to, as_json=as_json)


@sandbox.command("stripe")
def stripe(
    host: Annotated[str, typer.Option(help="the address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="the port to listen on; 0 for a free one")] = 0,
    webhooks_to: Annotated[str, typer.Option(help="send its webhooks to this address")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="print how to connect as one JSON line")] = False,
) -> None:
    """Run a server that behaves like an account at Stripe, until Ctrl-C. Prints its secret and its API's key."""
    _serve(account.main_async, host, port, webhooks_to, as_json=as_json)


def _serve(
    run: Callable[[Serving], Coroutine[Any, Any, int]], host: str, port: int, webhooks_to: str, *, as_json: bool
) -> None:
    try:
        options = Serving(host=host, port=port, webhooks_to=webhooks_to, as_json=as_json)
        raise typer.Exit(asyncio.run(run(options)))
    except ValueError as error:
        raise Failed(f"--webhooks-to: {error}", DOES_NOT_FIT) from None
    except OSError as error:
        raise Failed(f"cannot listen on {host}:{port}: {error.strerror or error}", DOES_NOT_FIT) from None


def _switches(words: list[str]) -> Switches:
    chosen = Switches()
    for word in words:
        name, _, value = word.partition("=")
        try:
            chosen = chosen.changed(**{name: _value(value)})
        except ValueError as error:
            raise Failed(f"--switch {word}: {error}", DOES_NOT_FIT) from None
    return chosen


def _value(text: str) -> bool | int | str:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isdigit() else text
