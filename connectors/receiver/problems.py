"""What a sender is told when something is not accepted: RFC 9457 problem details that name field, value and remedy."""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec
from aiohttp import web

from connectors.base import Answers, Unauthentic
from connectors.receiver.parts import Result
from schemas.codec import Refused, to_json

CONTENT_TYPE: Final = "application/problem+json"
_TYPE: Final = "urn:ledgerstream:problem:"


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457. `type` ends in a word for programs; `field`, `value` and `expected` are set where one field is bad."""

    type: str
    title: str
    status: int
    detail: str
    remedy: str
    field: str | None = None
    value: str | None = None
    expected: str | None = None


class Refusal(Exception):
    """The request ends here. `closes`: the rest of the body is not wanted, so the connection goes with it. `empty`: the
    sender takes no body in an answer."""

    def __init__(
        self,
        result: Result,
        details: ProblemDetails,
        headers: Mapping[str, str] | None = None,
        *,
        closes: bool = False,
        empty: bool = False,
    ) -> None:
        super().__init__(details.detail)
        self.result = result
        self.details = details
        self.headers = headers or {}
        self.closes = closes
        self.empty = empty

    def response(self) -> web.Response:
        response = web.Response(status=self.details.status, headers=dict(self.headers))
        if not self.empty:
            response.content_type = CONTENT_TYPE
            response.body = to_json(self.details)
        if self.closes:
            response.force_close()
        return response


def details(word: str, status: int, title: str, detail: str, remedy: str) -> ProblemDetails:
    """Problem details without a field; `word` is the end of their type."""
    return ProblemDetails(type=_TYPE + word, title=title, status=status, detail=_encodable(detail), remedy=remedy)


def _encodable(text: str) -> str:
    """Header bytes that are not UTF-8 arrive as surrogates, which no JSON can carry."""
    return text.encode(errors="replace").decode()


def malformed(refused: Refused, event_type: str | None = None) -> Refusal:
    """400: one field does not fit."""
    where = f"; GET /v1/schemas/{event_type} shows what the data may hold" if event_type else ""
    problem = ProblemDetails(
        type=_TYPE + "malformed",
        title="The event does not fit its contract",
        status=400,
        detail=_encodable(str(refused)),
        field=refused.path,
        value=_encodable(refused.value),
        expected=refused.expected,
        remedy=f"correct {refused.path} and send the event again with the same id{where}",
    )
    return Refusal("unparseable", problem)


def unknown_type(message: str, value: str) -> Refusal:
    """400: no such event."""
    problem = ProblemDetails(
        type=_TYPE + "unknown-type",
        title="No such event type",
        status=400,
        detail=message,
        field="type",
        value=value,
        expected="a type of this release",
        remedy="GET /v1/schemas lists the types; a newer type needs a newer release of Ledgerstream",
    )
    return Refusal("unknown_type", problem)


def unauthentic(error: Unauthentic) -> Refusal:
    """401, the same for every cause."""
    problem = details(
        "unauthenticated",
        401,
        "The sender is not known",
        "the request does not prove that it comes from the source that it speaks for",
        "send `Authorization: Bearer <token>` or a `Ledgerstream-Signature` of the event's own source, with the raw "
        "body as it was signed and a clock that is right to 5 minutes",
    )
    return Refusal("stale" if error.stale else "bad_signature", problem, {"WWW-Authenticate": "Bearer"})


def bad_signature(error: Unauthentic, answers: Answers) -> Refusal:
    """The status that the source expects, the same for every cause."""
    problem = details(
        "bad-signature",
        answers.unauthentic,
        "The signature does not hold",
        "the request is not signed with a secret of this source, over this body, within 5 minutes",
        "set the source's secret to the signing secret of this very endpoint, and pass the body on unchanged",
    )
    return Refusal("stale" if error.stale else "bad_signature", problem, empty=answers.empty)


def too_large(bytes_max: int) -> Refusal:
    """413."""
    problem = details(
        "too-large",
        413,
        "The body is too large",
        f"the body has more than {bytes_max} bytes",
        f"send at most {bytes_max} bytes in one request; split a batch",
    )
    return Refusal("too_large", problem, closes=True)


def unsupported(detail: str, remedy: str) -> Refusal:
    """415."""
    return Refusal(
        "unsupported",
        details("unsupported-media-type", 415, "This kind of body is not read here", detail, remedy),
        closes=True,
    )


def incomplete(status: int, result: Result, detail: str) -> Refusal:
    """408 or 400: the body did not come whole."""
    problem = details("incomplete", status, "The body did not come whole", detail, "send the request again")
    return Refusal(result, problem, closes=True)


def unavailable(detail: str, retry_after_s: int) -> Refusal:
    """503: nothing was accepted."""
    return _later("unavailable", "Not available just now", detail, retry_after_s)


def overloaded(retry_after_s: int) -> Refusal:
    """503: too many requests at once; nothing was read or accepted."""
    return _later("overloaded", "Too many requests at once", "nothing was accepted", retry_after_s, closes=True)


def throttled(requests_per_minute: int, retry_after_s: int) -> Refusal:
    """429: the source came more often than it may."""
    problem = details(
        "throttled",
        429,
        "Too many requests of this source",
        f"this source may send {requests_per_minute} requests a minute; this one was not accepted",
        f"send the same request again in {retry_after_s} s; many events fit into one request (a batch)",
    )
    return Refusal("throttled", problem, {"Retry-After": str(retry_after_s)})


def _later(
    result: Literal["unavailable", "overloaded"], title: str, detail: str, retry_after_s: int, *, closes: bool = False
) -> Refusal:
    remedy = f"send the same request again in {retry_after_s} s; what is there twice is booked once"
    headers = {"Retry-After": str(retry_after_s)}
    return Refusal(result, details(result, 503, title, detail, remedy), headers, closes=closes)


def not_found(detail: str, remedy: str) -> Refusal:
    """404."""
    return Refusal("not_found", details("not-found", 404, "Not found", detail, remedy))
