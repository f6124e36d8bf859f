"""Who may call: token, organisation, scope, whether it is online, and the limits, in Xero's order."""

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.xero.sandbox.books.tables import Book
from connectors.xero.sandbox.calls import CallRecord
from connectors.xero.sandbox.dispatch import Target
from connectors.xero.sandbox.engine import Engine
from connectors.xero.sandbox.faults import Fault
from connectors.xero.sandbox.limits import Problem, Refused, header_seconds
from connectors.xero.sandbox.oauth import Access
from connectors.xero.sandbox.wire import Reply, plain_reply, problem_reply

OFFLINE = "The Organisation is offline"
UNAVAILABLE = "The Xero API is temporarily unavailable"
# Says whether a fault or the client itself brought a 429 about. Xero has no such header.
LABEL = "X-Sandbox-Throttled"


@dataclass(frozen=True, slots=True)
class Admission:
    """A call that may go on; it holds a concurrent place until `Engine.limits.leave`."""

    book: Book
    client_id: str


def bearer(engine: Engine, authorization: str) -> Access | Reply:
    """The token's meaning, or the 401."""
    scheme, _, token = authorization.partition(" ")
    access = engine.oauth.state.access.get(token.strip()) if scheme.lower() == "bearer" else None
    if access is None:
        return problem_reply(401, "Unauthorized", "AuthenticationUnsuccessful", engine.new_id())
    if access.expires <= engine.clock.now():
        return expired(engine, f"{access.expires:%m/%d/%Y %H:%M:%S}")
    return access


def expired(engine: Engine, when: str) -> Reply:
    """401 for a token whose time is over."""
    return problem_reply(401, "Unauthorized", f"TokenExpired: token expired at {when}", engine.new_id())


def forbidden(engine: Engine) -> Reply:
    """403 for an organisation that is not, or no longer, connected."""
    return problem_reply(403, "Forbidden", "AuthenticationUnsuccessful", engine.new_id())


def admit(
    engine: Engine,
    headers: Mapping[str, str],
    method: str,
    target: Target | None,
    fault: Fault | None,
    record: CallRecord,
) -> Admission | Reply:
    """Everything that is checked before the books are touched."""
    if fault is not None and fault.answer == "401":
        return expired(engine, f"{engine.clock.now():%m/%d/%Y %H:%M:%S}")
    access = bearer(engine, headers.get("Authorization", ""))
    if isinstance(access, Reply):
        return access
    tenant_id = headers.get("xero-tenant-id", "").strip().lower()
    if not tenant_id and access.is_custom:
        tenant_id = next((known for known in engine.books if engine.oauth.reaches(access, known)), "")
    book = engine.books.get(tenant_id)
    if book is None or not engine.oauth.reaches(access, tenant_id) or (fault and fault.answer == "403"):
        return forbidden(engine)
    client_id = engine.oauth.credentials.client_id
    record.tenant_id, record.client_id = tenant_id, client_id
    if target is not None and not _has_scope(access, target, method):
        return _missing_scope(engine)
    if fault is not None and fault.answer in ("503", "offline"):
        return _unavailable(fault)
    if book.organisation.offline:
        return plain_reply(503, OFFLINE)
    refused = _throttled(engine, book, client_id, fault, record)
    return refused or Admission(book, client_id)


def _throttled(engine: Engine, book: Book, client_id: str, fault: Fault | None, record: CallRecord) -> Reply | None:
    tenant_id = book.organisation.tenant_id
    now_s, limits, switches = engine.limit_seconds(), engine.limits, engine.switches
    if fault is not None and fault.answer.startswith("429-"):
        problem: Problem = fault.answer.removeprefix("429-")  # type: ignore[assignment]  # The answers are spelled so.
        wait_s = limits.reset_in(client_id, tenant_id, problem, now_s, switches)
        return _too_many(engine, Refused(problem, wait_s), client_id, tenant_id, record, fault)
    refused = limits.enter(client_id, tenant_id, now_s, switches)
    return None if refused is None else _too_many(engine, refused, client_id, tenant_id, record, None)


def _too_many(
    engine: Engine, refused: Refused, client_id: str, tenant_id: str, record: CallRecord, fault: Fault | None
) -> Reply:
    """429: an empty body without a content type; Retry-After on all but the concurrent one."""
    problem = refused.problem
    headers = engine.limits.headers(client_id, tenant_id, engine.limit_seconds(), engine.switches)
    left = {"minute": "X-MinLimit-Remaining", "day": "X-DayLimit-Remaining", "appminute": "X-AppMinLimit-Remaining"}
    if problem in left:
        headers[left[problem]] = "0"
    if problem == "minute" and not engine.switches.day_header_on_minute_429:
        del headers["X-DayLimit-Remaining"]
    headers["X-Rate-Limit-Problem"] = engine.switches.app_minute_word if problem == "appminute" else problem
    if fault is not None and fault.retry_after_s is not None:
        headers["Retry-After"] = str(fault.retry_after_s)
    elif refused.retry_after_s is not None:
        headers["Retry-After"] = header_seconds(refused.retry_after_s, engine.speed)
    record.throttled = "earned" if fault is None else "ordered"
    record.problem = problem
    engine.calls.throttled[record.throttled] += 1
    headers[LABEL] = record.throttled
    return Reply(429, b"", None, headers)


def _unavailable(fault: Fault) -> Reply:
    reply = plain_reply(503, OFFLINE if fault.answer == "offline" else UNAVAILABLE)
    if fault.retry_after_s is None:
        return reply
    return Reply(reply.status, reply.body, reply.content_type, {"Retry-After": str(fault.retry_after_s)})


def _has_scope(access: Access, target: Target, method: str) -> bool:
    resource = target.resource
    allowed = {resource.scope, resource.old_scope}
    if method == "GET":
        allowed |= {f"{resource.scope}.read", f"{resource.old_scope}.read"}
    return not allowed.isdisjoint(access.scopes)


def _missing_scope(engine: Engine) -> Reply:
    if engine.switches.missing_scope_status == "403":
        return problem_reply(403, "Forbidden", "AuthorizationUnsuccessful", engine.new_id())
    # The misspelling is Xero's own.
    return problem_reply(
        401,
        "Unauthorized",
        "AuthorizationUnsuccessful",
        engine.new_id(),
        {"WWW-Authenticate": 'Bearer error="insufficent_scope"'},
    )
