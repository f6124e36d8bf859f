"""What an answer of Xero means, as a value: one outcome per element, or one trouble of the whole call. Pure.

Facts 1, 2 and 6. Unknown statuses and bodies that cannot be read are `unreadable`: nothing is guessed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from connectors.xero.ticket import Answer
from connectors.xero.wire import ID_KEYS, NUMBER_KEYS, ZERO_ID, decode

Body = Mapping[str, Any]

Window = Literal["minute", "day", "appminute", "concurrent", "unknown"]
TroubleKind = Literal[
    "throttled",  # 429: nothing happened
    "token_expired",  # 401: one new token mends it
    "auth",  # 401: no new token mends it
    "scope",  # the app may not do this
    "disconnected",  # 403: the organisation took the connection away
    "unavailable",  # 503, and 500: nobody knows what happened, and its idempotency key repeats the error
    "gateway",  # 502, 504: the backend may still be at work
    "in_flight",  # the first call with this idempotency key is still at work
    "malformed",  # the request as a whole cannot be read
    "not_found",  # something that the request names is not there
    "refused",  # the request as a whole was refused, in words
    "unreadable",  # an answer that says nothing
]
# Their status proves that nothing was done, if no earlier send of the same request may have been (design 7.7).
PROVES_NOTHING_DONE: Final[frozenset[TroubleKind]] = frozenset(
    {"throttled", "token_expired", "auth", "scope", "disconnected"}
)
_ERROR_MALFORMED: Final = 14


@dataclass(frozen=True, slots=True)
class ElementOutcome:
    """One element of an answer: kept if it has no errors. `body` is the element as Xero shows it."""

    body: Body
    xero_id: str | None
    number: str | None
    errors: tuple[str, ...]

    @property
    def kept(self) -> bool:
        return not self.errors


@dataclass(frozen=True, slots=True)
class Elements:
    """An answer with an outcome for each element, in the order in which they were sent."""

    outcomes: tuple[ElementOutcome, ...]


@dataclass(frozen=True, slots=True)
class Trouble:
    """An answer for the whole call."""

    kind: TroubleKind
    message: str
    status: int
    error_number: int | None = None
    window: Window | None = None
    retry_after_s: float | None = None


def read(answer: Answer, resource: str) -> Elements | Trouble:
    """The meaning of an answer to a call about `resource`."""
    if answer.status in (200, 201):
        return _elements(answer, resource)
    if answer.status == 304:
        # Some endpoints say it in place of an empty list (facts 4): nothing has changed since the moment asked about.
        return Elements(())
    if answer.status == 400:
        return _bad_request(answer)
    return _trouble(answer)


def window_of(problem: str | None) -> Window:
    """Which limit a 429 speaks of; an unknown word is `unknown`."""
    word = (problem or "").lower().replace("-", "")
    words: dict[str, Window] = {
        "minute": "minute",
        "day": "day",
        "appminute": "appminute",
        "concurrent": "concurrent",
    }
    return words.get(word, "unknown")


def _elements(answer: Answer, resource: str) -> Elements | Trouble:
    try:
        found = decode(answer.body).get(resource)
    except (ValueError, AttributeError):
        found = None
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        return Trouble("unreadable", f"the answer holds no list {resource}", answer.status)
    return Elements(tuple(element(item, resource) for item in found))


def element(body: Body, resource: str) -> ElementOutcome:
    """One element's outcome. It was kept only if nothing at all speaks against it (facts 2)."""
    found = body.get(ID_KEYS[resource])
    xero_id = found if isinstance(found, str) and found and found != ZERO_ID else None
    number = body.get(NUMBER_KEYS[resource]) if resource in NUMBER_KEYS else None
    errors = tuple(dict.fromkeys(_messages(body)))
    is_marked = (
        body.get("StatusAttributeString") == "ERROR"
        or body.get("HasErrors") is True
        or body.get("HasValidationErrors") is True
    )
    if not errors and (is_marked or xero_id is None):
        errors = ("Xero refused the element without saying why",)
    return ElementOutcome(body, xero_id, number if isinstance(number, str) else None, errors)


def _messages(value: Any) -> Iterator[str]:
    """Every validation message of the tree: they also sit in lines and contacts (facts 6)."""
    if isinstance(value, list):
        for item in value:
            yield from _messages(item)
    elif isinstance(value, dict):
        for problem in value.get("ValidationErrors") or ():
            if isinstance(problem, dict) and (words := problem.get("Message") or problem.get("Description")):
                yield str(words)
        for key, item in value.items():
            if key != "ValidationErrors" and isinstance(item, dict | list):
                yield from _messages(item)


def _bad_request(answer: Answer) -> Trouble:
    try:
        body = decode(answer.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return Trouble("refused", "Xero refused the request (400) without words", 400)
    messages = list(dict.fromkeys(_messages(body)))
    message = "; ".join(messages) or str(body.get("Message") or body.get("Detail") or "no words")
    number = body.get("ErrorNumber")
    error_number = number if isinstance(number, int) else None
    lower = message.lower()
    if "still in progress" in lower or "is used with a different request" in lower:
        return Trouble("in_flight", message, 400, error_number)
    if error_number == _ERROR_MALFORMED:
        return Trouble("malformed", message, 400, error_number)
    return Trouble("refused", message, 400, error_number)


def _trouble(answer: Answer) -> Trouble:
    status, detail = answer.status, _detail(answer)
    if status == 429:
        window = window_of(answer.rate_limit_problem)
        return Trouble("throttled", f"Xero's limit ({window})", 429, None, window, answer.retry_after_s)
    if status == 401:
        return Trouble(_unauthorised(answer, detail), detail, 401)
    if status == 403:
        return Trouble("scope" if "authorizationunsuccessful" in detail.lower() else "disconnected", detail, 403)
    if status == 404:
        return Trouble("not_found", "Xero cannot find something that the request names", 404)
    if status in (500, 503):
        return Trouble("unavailable", detail, status, retry_after_s=answer.retry_after_s)
    if status in (502, 504):
        return Trouble("gateway", detail, status)
    if status == 409:
        return Trouble("in_flight", detail, 409)
    if 400 <= status < 500:
        return Trouble("refused", detail, status)
    return Trouble("unreadable", f"an answer of status {status}", status)


def _unauthorised(answer: Answer, detail: str) -> TroubleKind:
    # Xero's own header is misspelt (facts 6); both spellings are read.
    header = (answer.www_authenticate or "").lower()
    if "insufficent_scope" in header or "insufficient_scope" in header:
        return "scope"
    return "token_expired" if "tokenexpired" in detail.lower() else "auth"


def _detail(answer: Answer) -> str:
    """The words of an answer, shortened; texts in HTML say nothing to a person."""
    if "html" in (answer.content_type or ""):
        return f"status {answer.status}"
    try:
        body = decode(answer.body)
    except ValueError:
        return answer.body[:200].decode(errors="replace").strip() or f"status {answer.status}"
    if isinstance(body, dict):
        return str(body.get("Detail") or body.get("Message") or body.get("Title") or f"status {answer.status}")[:200]
    return f"status {answer.status}"
