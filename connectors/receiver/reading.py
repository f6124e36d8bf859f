"""A request's raw bytes, within limits of size and time."""

from aiohttp import web

from connectors.base import HttpRequest
from connectors.receiver import problems
from connectors.receiver.crowd import Displaced
from connectors.receiver.parts import Parts


async def receive(request: web.Request, bytes_max: int, parts: Parts) -> HttpRequest:
    """The request with its whole body. Raises Refusal: 413 before more than `bytes_max` are kept, 408, 415, 400; 503
    where the body came so slowly that others needed its place."""
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding != "identity":
        # Signatures are over the bytes as sent, and a few compressed bytes could unfold to gigabytes.
        raise problems.unsupported(
            f"the body is compressed ({encoding[:40]})", "send it as it is, without Content-Encoding"
        )
    timeout_s = parts.limits.body_timeout_s
    if (request.content_length or 0) > bytes_max:
        raise problems.too_large(bytes_max)
    try:
        if request.content.is_eof():
            # All of it came together with the head, as most bodies do: there is nothing to wait for.
            body = request.content.read_nowait()
            if len(body) > bytes_max:
                raise problems.too_large(bytes_max)
        else:
            async with parts.crowd.reading(parts.limits.unread_max, timeout_s):
                body = await _read(request, bytes_max)
    except Displaced:
        raise problems.overloaded(parts.limits.retry_after_s) from None
    except TimeoutError:
        raise problems.incomplete(408, "slow", f"the body did not arrive within {timeout_s:g} s") from None
    except (ConnectionError, web.RequestPayloadError):
        raise problems.incomplete(400, "unparseable", "the body ended early or was framed wrongly") from None
    return bare(request, parts, body)


def bare(request: web.Request, parts: Parts, body: bytes = b"") -> HttpRequest:
    """The request as connectors see it."""
    headers = tuple((name.lower(), value) for name, value in request.headers.items())
    return HttpRequest(
        method=request.method, target=request.raw_path, headers=headers, body=body, public_url=parts.public_url
    )


async def _read(request: web.Request, bytes_max: int) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > bytes_max:
            raise problems.too_large(bytes_max)
    return bytes(body)
