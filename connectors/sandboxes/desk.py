"""What a test or a person may make happen in a sandbox, over HTTP."""

from collections.abc import Awaitable, Callable
from decimal import InvalidOperation
from typing import Any

from aiohttp import web

Json = dict[str, Any]


def answered(
    does: Callable[[web.Request, Json], Json], remedy: str
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler that answers what `does` made; or 400 with the error in words, and the remedy."""

    async def run(request: web.Request) -> web.Response:
        try:
            return web.json_response(does(request, await body(request) if request.can_read_body else {}))
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            return web.json_response({"error": str(error) or repr(error), "remedy": remedy}, status=400)

    return run


async def body(request: web.Request) -> Json:
    """The JSON object that was sent; 400 for anything else."""
    try:
        found = await request.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise web.HTTPBadRequest(text="expected a JSON object")
    return found
