"""How a request to the admin surface is read, and how it is answered: JSON both ways, 400 with a sentence."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from aiohttp import web

from connectors.xero.sandbox import people, report

Handler = Callable[[web.Request], Awaitable[Any]]


class AdminError(ValueError):
    """A wrong request to the admin surface; the text is the answer."""


def routes_of(table: list[tuple[str, str, Handler]]) -> list[web.RouteDef]:
    """Routes of handlers that return what is answered as JSON, or raise AdminError or PersonError."""
    return [web.route(method, path, _answering(handler)) for method, path, handler in table]


def _answering(handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def run(request: web.Request) -> web.StreamResponse:
        try:
            payload, status = await handler(request), 200
        except (AdminError, people.PersonError) as error:
            payload, status = {"error": str(error)}, 400
        body = orjson.dumps(payload, default=report.plain, option=orjson.OPT_INDENT_2)
        return web.Response(status=status, body=body, content_type="application/json")

    return run


async def object_of(request: web.Request) -> Mapping[str, Any]:
    """The JSON object that a request brings. Raises AdminError."""
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise AdminError(f"the body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise AdminError("the body must be a JSON object")
    return body


def number_after(request: web.Request) -> int:
    """The query's `after`: a list goes on behind this number. Raises AdminError."""
    text = request.query.get("after") or "0"
    if not (text.isascii() and text.isdigit()):
        raise AdminError(f"after: expected a whole number, got {text!r}")
    return int(text)
