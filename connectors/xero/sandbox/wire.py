"""Xero's notation: dates, numbers, envelopes and the shapes of its errors. Pure.

Shapes: facts of Xero's published recordings; dates are "/Date(<ms>+0000)/" with a second, readable field.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import orjson

Json = dict[str, Any]

ZERO_ID: Final = "00000000-0000-0000-0000-000000000000"
PROVIDER: Final = "Ledgerstream Sandbox"
JSON_TYPE: Final = "application/json; charset=utf-8"
_EPOCH: Final = date(1970, 1, 1).toordinal()
_DATE_MS: Final = re.compile(r"^/Date\((-?\d+)([+-]\d{4})?\)/$")


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer. `content_type` None means that the header is absent, as on a 429."""

    status: int
    body: bytes = b""
    content_type: str | None = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)


@lru_cache(maxsize=4096)
def date_text(day: date) -> str:
    """A date at 00:00 UTC: /Date(1772323200000+0000)/."""
    return f"/Date({(day.toordinal() - _EPOCH) * 86_400_000}+0000)/"


def moment_text(moment: datetime) -> str:
    """A moment with milliseconds: /Date(1772323200123+0000)/."""
    return f"/Date({round(moment.timestamp() * 1000)}+0000)/"


@lru_cache(maxsize=4096)
def day_string(day: date) -> str:
    """The readable twin of a date: 2026-03-01T00:00:00."""
    return f"{day.isoformat()}T00:00:00"


def parse_date(text: str) -> date:
    """A date as clients write it: ISO with or without a time, or /Date(ms)/. Raises ValueError."""
    found = _DATE_MS.match(text)
    if found:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(found[1]))).date()
    return datetime.fromisoformat(text).date()


def parse_moment(text: str) -> datetime:
    """If-Modified-Since as clients write it: ISO (UTC without a zone) or the RFC 1123 form. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.strptime(text, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def dump(payload: Any) -> bytes:
    """JSON bytes; a Decimal becomes a number, which repeats every amount that Xero can hold without loss."""
    return orjson.dumps(payload, default=float)


def envelope(
    resource: str, elements: Sequence[Any], now: datetime, new_id: str, pagination: Json | None = None
) -> Json:
    """The object around every successful answer."""
    answer: Json = {
        "Id": new_id,
        "Status": "OK",
        "ProviderName": PROVIDER,
        "DateTimeUTC": f"/Date({round(now.timestamp() * 1000)})/",
    }
    if pagination is not None:
        answer["pagination"] = pagination
    answer[resource] = elements
    return answer


def validation_reply(elements: Sequence[Json], message: str = "A validation exception occurred") -> Reply:
    """400 with the elements that failed."""
    body = {"ErrorNumber": 10, "Type": "ValidationException", "Message": message, "Elements": elements}
    return Reply(400, dump(body))


def malformed_reply(message: str) -> Reply:
    """400 for data that cannot be read."""
    return Reply(400, dump({"ErrorNumber": 14, "Type": "PostDataInvalidException", "Message": message}))


def bad_query_reply(message: str) -> Reply:
    """400 for a filter that cannot be parsed."""
    return Reply(400, dump({"ErrorNumber": 16, "Type": "QueryParseException", "Message": message}))


def problem_reply(
    status: int, title: str, detail: str, instance: str, headers: Mapping[str, str] | None = None
) -> Reply:
    """401 and 403, as Xero's gateway writes them."""
    body: Json = {
        "Type": None,
        "Title": title,
        "Status": status,
        "Detail": detail,
        "Instance": instance,
        "Extensions": {},
    }
    return Reply(status, dump(body), headers=headers or {})


def not_found_reply() -> Reply:
    """404: not JSON."""
    return Reply(404, b"The resource you're looking for cannot be found", "text/html; charset=utf-8")


def plain_reply(status: int, text: str) -> Reply:
    """What infrastructure answers: plain text."""
    return Reply(status, text.encode(), "text/plain; charset=utf-8")


def html_reply(status: int, title: str) -> Reply:
    """What a gateway in front of the backend answers."""
    page = f"<html><head><title>{status} {title}</title></head><body><h1>{status} {title}</h1></body></html>"
    return Reply(status, page.encode(), "text/html")
