"""The HTTP surface: sign-in, connections, the accounting API and the sandbox's own admin paths, on one port."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import hdrs, web

from connectors.xero.sandbox import admin, api
from connectors.xero.sandbox.dispatch import API_PREFIX
from connectors.xero.sandbox.engine import Engine
from connectors.xero.sandbox.gateway import bearer
from connectors.xero.sandbox.oauth import OAuthError
from connectors.xero.sandbox.webhooks.routes import webhook_routes
from connectors.xero.sandbox.wire import Reply, dump, not_found_reply

# Above the largest position of the switch, which answers by itself.
_BODY_BYTES_MAX: Final = 64_000_000
_NO_CONTENT_TYPE: Final = "X-Sandbox-No-Content-Type"


def build(engine: Engine) -> web.Application:
    """The application of one sandbox."""
    engine.closing = asyncio.Event()
    application = web.Application(client_max_size=_BODY_BYTES_MAX)
    application.add_routes(admin.routes(engine))
    application.add_routes(webhook_routes(engine))
    identity = _Identity(engine)
    application.router.add_post("/connect/token", _sent(identity.token))
    application.router.add_post("/connect/revocation", _sent(identity.revoke))
    application.router.add_get("/identity/connect/authorize", identity.authorize)
    # Xero's paths have no case of their own: SDKs write "Connections".
    application.router.add_get("/{_:[Cc]onnections}", _sent(identity.connections))
    application.router.add_delete("/{_:[Cc]onnections}/{id}", _sent(identity.disconnect))

    async def accounting(request: web.Request) -> web.StreamResponse:
        try:
            return _response(await api.handle(engine, request))
        except api.Dropped:
            if request.transport is not None:
                request.transport.close()
            return web.Response()

    async def unknown(request: web.Request) -> Reply:
        return not_found_reply()

    application.router.add_route("*", API_PREFIX + "{path:.*}", accounting)
    application.router.add_route("*", "/{path:.*}", _sent(unknown))
    application.on_response_prepare.append(_without_content_type)
    application.on_shutdown.append(lambda _app: _close(engine))
    return application


class _Identity:
    """identity.xero.com and the connections of api.xero.com: no quota, no quota headers."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def token(self, request: web.Request) -> Reply:
        form, authorization = await _form(request)
        return self._engine.oauth.token(form, authorization, self._engine.now(), self._engine.switches)

    async def revoke(self, request: web.Request) -> Reply:
        return self._engine.oauth.revoke(*await _form(request))

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        try:
            target = self._engine.oauth.authorize(request.query, self._engine.now(), self._engine.switches)
        except OAuthError as error:
            return _response(Reply(400, dump({"error": str(error)})))
        return web.Response(status=302, headers={hdrs.LOCATION: target})

    async def connections(self, request: web.Request) -> Reply:
        access = bearer(self._engine, request.headers.get("Authorization", ""))
        if isinstance(access, Reply):
            return access
        return Reply(200, dump(self._engine.oauth.connections(access, request.query.get("authEventId", ""))))

    async def disconnect(self, request: web.Request) -> Reply:
        access = bearer(self._engine, request.headers.get("Authorization", ""))
        if isinstance(access, Reply):
            return access
        is_gone = self._engine.oauth.disconnect(request.match_info["id"])
        return Reply(204, b"", None) if is_gone else not_found_reply()


def _sent(handler: Callable[[web.Request], Awaitable[Reply]]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def run(request: web.Request) -> web.StreamResponse:
        return _response(await handler(request))

    return run


def _response(reply: Reply) -> web.Response:
    headers = dict(reply.headers)
    if reply.content_type is None:
        headers[_NO_CONTENT_TYPE] = "1"
    else:
        headers[hdrs.CONTENT_TYPE] = reply.content_type
    return web.Response(status=reply.status, body=reply.body, headers=headers)


async def _without_content_type(request: web.Request, response: web.StreamResponse) -> None:
    """aiohttp gives every answer a content type; Xero's 429 has none."""
    response.headers[hdrs.SERVER] = "Kestrel"
    if response.headers.pop(_NO_CONTENT_TYPE, None):
        response.headers.pop(hdrs.CONTENT_TYPE, None)


async def _form(request: web.Request) -> tuple[Mapping[str, str], str]:
    form = await request.post()
    return {name: value for name, value in form.items() if isinstance(value, str)}, request.headers.get(
        "Authorization", ""
    )


async def _close(engine: Engine) -> None:
    """Let go of what hangs, and drop commits and deliveries whose time has not come."""
    engine.closing.set()
    for task in list(engine.late):
        task.cancel()
    await engine.webhook.close()
