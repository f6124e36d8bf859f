"""The HTTP surface: the API, and under `/_sandbox` what a test or a person may make happen."""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from connectors.sandboxes.desk import answered
from connectors.stripe.sandbox.api import Api, Refusal
from connectors.stripe.sandbox.book import Json
from connectors.stripe.sandbox.deliveries import Deliveries
from connectors.stripe.sandbox.desk import Desk

_HELP: Final = "connectors/stripe/sandbox/README.md lists the paths and what each takes"


def build(api: Api, desk: Desk, deliveries: Deliveries) -> web.Application:
    """The application of one account."""
    application = web.Application()

    def asked(answer: Callable[[web.Request], Awaitable[Json]]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def run(request: web.Request) -> web.Response:
            try:
                api.check(request.headers.get("Authorization", ""), request.path)
                return web.json_response(await answer(request))
            except Refusal as error:
                return web.json_response(error.body, status=error.status)

        return run

    async def events(request: web.Request) -> Json:
        return api.events(list(request.query.items()))

    async def balance_transactions(request: web.Request) -> Json:
        return api.balance_transactions(list(request.query.items()))

    async def payout(request: web.Request) -> Json:
        return api.payout(request.match_info["payout"])

    async def lines(request: web.Request) -> Json:
        return api.invoice_lines(request.match_info["invoice"], list(request.query.items()))

    async def endpoints(request: web.Request) -> Json:
        return api.endpoints(list(request.query.items()))

    async def change(request: web.Request) -> Json:
        form = {name: str(value) for name, value in (await request.post()).items()}
        return api.change_endpoint(request.match_info["endpoint"], form)

    router = application.router
    router.add_get("/v1/events", asked(events))
    router.add_get("/v1/balance_transactions", asked(balance_transactions))
    router.add_get("/v1/payouts/{payout}", asked(payout))
    router.add_get("/v1/invoices/{invoice}/lines", asked(lines))
    router.add_get("/v1/webhook_endpoints", asked(endpoints))
    router.add_post("/v1/webhook_endpoints/{endpoint}", asked(change))
    router.add_get("/_sandbox", answered(desk.state, _HELP))
    for path, does in desk.paths().items():
        router.add_post(f"/_sandbox/{path}", answered(does, _HELP))
    application.on_shutdown.append(lambda _app: deliveries.close())
    return application
