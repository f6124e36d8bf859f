"""What may be sent to Xero: a request that the ledger has written ahead, and nothing else.

`client.send` takes only a `Ticket`, and only `streams.ledger.calls.open` makes one. So no call of any process can
leave without a slot of the limit and a row that survives a crash (design section 7.3).
"""

import datetime as dt
from typing import Literal

import msgspec

Method = Literal["GET", "PUT", "POST"]
Purpose = Literal["write", "resend", "look", "read"]


class XeroRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request below the API's base address, as exact bytes.

    `path` such as "/Invoices"; `query` in order, not yet percent-encoded; `idempotency_key` for PUT and POST.
    """

    method: Method
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    idempotency_key: str | None = None
    modified_since: dt.datetime | None = None


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """The right to send one request once.

    `call` is the number of its row in `calls`; `root` the call whose outcome it settles (itself, but for a resend or a
    look). `send_before` is in seconds of `clock.elapsed()` (CLOCK_BOOTTIME): after it the request must not leave.
    """

    call: int
    root: int
    purpose: Purpose
    tenant: str
    xero_tenant_id: str
    request: XeroRequest
    opened_at: dt.datetime
    send_before: float
    timeout_s: float
    fence: int


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What Xero answered, whatever the status. Header names are lower case; None is a header that was not there."""

    status: int
    body: bytes
    content_type: str | None = None
    correlation_id: str | None = None
    retry_after_s: float | None = None
    rate_limit_problem: str | None = None
    minute_remaining: int | None = None
    day_remaining: int | None = None
    app_minute_remaining: int | None = None
    www_authenticate: str | None = None


class NoAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """No answer came. `left`: the request may have reached Xero; False proves that it did not."""

    left: bool
    detail: str
