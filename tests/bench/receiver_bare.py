"""A bare aiohttp handler that verifies a signature with Stripe's own library, as Stripe's guide says, and produces the
body, acknowledged; nothing else.

Arguments: bootstrap, topic, secret. Prints its port.
"""

import asyncio
import sys
from typing import Final

from aiohttp import web
from aiokafka import AIOKafkaProducer
from stripe import SignatureVerificationError, WebhookSignature

_TOLERANCE_S: Final = 300


async def serve(bootstrap: str, topic: str, secret: str) -> None:
    """Serve until killed. The producer is set up as ours is."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=5, max_batch_size=256 * 1024
    )
    await producer.start()

    async def post(request: web.Request) -> web.Response:
        body = await request.read()
        try:
            WebhookSignature.verify_header(body, request.headers["Stripe-Signature"], secret, _TOLERANCE_S)
        except SignatureVerificationError:
            return web.Response(status=401)
        await (await producer.send(topic, body))
        return web.Response()

    app = web.Application()
    app.router.add_post("/v1/sources/stripe-1", post)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
