"""Around every request: one shape of error, one line of log, one measurement."""

import traceback

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from connectors.receiver import problems
from connectors.receiver.parts import PARTS, TRAIL, Trail
from connectors.receiver.problems import Refusal

_log = structlog.get_logger()


@web.middleware
async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The middleware of the receiver's application."""
    parts = request.app[PARTS]
    trail = request[TRAIL] = Trail()
    started_s = parts.clock.elapsed()
    response = await _answer(request, handler, trail)
    duration_s = parts.clock.elapsed() - started_s
    if _is_business(request):
        parts.metrics.webhook_request(trail.source, trail.result, duration_s)
    _write_log(request, trail, response.status, duration_s)
    return response


async def _answer(request: web.Request, handler: Handler, trail: Trail) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as refusal:
        trail.result = refusal.result
        return refusal.response()
    except web.HTTPException as error:
        trail.result = "not_found"
        return _of_http(error)
    except Exception as error:
        # Where it happened, and not what it said: a message may quote what the sender sent.
        where = "".join(traceback.format_tb(error.__traceback__))
        _log.error("receiver_failed", route=_route(request), exception=type(error).__name__, where=where)
        trail.result = "error"
        return _internal().response()


def _of_http(error: web.HTTPException) -> web.Response:
    """aiohttp's own refusals (no such path, no such method) in our shape."""
    details = problems.details(
        "no-such-operation",
        error.status,
        error.reason,
        "there is nothing under this path and method",
        "POST /v1/events, POST /v1/sources/{source}, GET /v1/events/{source}/{id} and GET /v1/schemas are there",
    )
    allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return Refusal("not_found", details, allow).response()


def _internal() -> Refusal:
    details = problems.details(
        "internal",
        500,
        "The receiver failed",
        "the request was not accepted, because of an error of ours",
        "send the same request again; if it fails again, tell the operator the time of this request",
    )
    return Refusal("error", details)


def _is_business(request: web.Request) -> bool:
    return request.path.startswith("/v1/")


def _route(request: web.Request) -> str:
    """The pattern of the path, not the path: that may hold an id."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"


def _write_log(request: web.Request, trail: Trail, status: int, duration_s: float) -> None:
    write = _log.info if _is_business(request) else _log.debug
    write(
        "request",
        method=request.method,
        route=_route(request),
        status=status,
        result=trail.result,
        source=trail.source,
        bytes=request.content_length,
        duration_s=round(duration_s, 4),
    )
