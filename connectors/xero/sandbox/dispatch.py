"""From an authorised request to its answer: resource, method, elements, outcomes. Synchronous, so a call is atomic."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import orjson

from connectors.xero.sandbox.books.call import Call, Outcome
from connectors.xero.sandbox.problems import (
    BadQuery,
    Invalid,
    Malformed,
    NotFound,
    NotImplemented_,
)
from connectors.xero.sandbox.reading import Element, elements_of
from connectors.xero.sandbox.resources import RESOURCES, Resource
from connectors.xero.sandbox.wire import (
    Json,
    Reply,
    bad_query_reply,
    dump,
    envelope,
    malformed_reply,
    not_found_reply,
    plain_reply,
    validation_reply,
)

API_PREFIX: Final = "/api.xro/2.0/"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a path leads."""

    resource: Resource
    key: str


@dataclass(slots=True)
class Counts:
    """What a call posted and what of it was kept."""

    elements: int = 0
    committed: int = 0


def target_of(path: str) -> Target | None:
    """The resource of a path under the API prefix, or None when there is no such resource."""
    parts = [part for part in path.removeprefix(API_PREFIX).split("/") if part]
    for length in (len(parts), 1):
        resource = RESOURCES.get("/".join(parts[:length]).lower()) if 0 < length <= len(parts) else None
        if resource is not None and len(parts) - length <= 1:
            return Target(resource, parts[length] if len(parts) > length else "")
    return None


def answer(call: Call, target: Target, method: str, body: bytes, counts: Counts, *, half: bool = False) -> Reply:
    """Carry out the request. `half`: only the first half of the elements (of one: that one), for a call that breaks.

    Every refusal becomes a reply; a change of the books is kept exactly when its element says OK.
    """
    call.book.begin()
    try:
        if method == "GET":
            return _read(call, target)
        if method in ("PUT", "POST"):
            return _write(call, target, method, body, counts, half=half)
        if method == "DELETE":
            return _delete(call, target, counts)
        raise NotImplemented_(method)
    except NotFound:
        call.book.rollback()
        return not_found_reply()
    except Malformed as problem:
        call.book.rollback()
        return malformed_reply(str(problem))
    except BadQuery as problem:
        return bad_query_reply(str(problem))
    except Invalid as problem:
        return validation_reply([], str(problem))
    except NotImplemented_:
        return plain_reply(501, "The method is not implemented for this resource")


def _read(call: Call, target: Target) -> Reply:
    resource = target.resource
    if target.key:
        if resource.one is None:
            raise NotFound(target.key)
        return _ok(call, resource, [resource.one(call, target.key)])
    listing = resource.listing(call)
    if call.modified_since is not None and not listing.elements and call.switches.unchanged_is_304:
        return Reply(304, b"", None)
    return _ok(call, resource, listing.elements, listing.pagination)


def _write(call: Call, target: Target, method: str, body: bytes, counts: Counts, *, half: bool) -> Reply:
    resource = target.resource
    run = resource.put if method == "PUT" else resource.post
    if run is None or (method == "PUT" and target.key):
        raise NotImplemented_(method)
    elements = elements_of(_json(body), resource.name)
    if resource.single and len(elements) > 1:
        raise Malformed(f"{resource.name} takes one object per call, got {len(elements)}")
    if target.key and len(elements) != 1:
        raise Malformed(f"{resource.name}/{target.key} takes one object, got {len(elements)}")
    counts.elements = len(elements)
    taken = elements[: (len(elements) + 1) // 2] if half else elements
    write = partial(run, call, create=method == "PUT", path_id=target.key)
    outcomes = [_attempt(call, write, element) for element in taken]
    is_summarised = resource.single or call.query.get("summarizeerrors", "true").lower() != "false"
    failed = [outcome for outcome in outcomes if outcome.errors]
    if failed and is_summarised:
        if not call.switches.siblings_saved_on_400:
            call.book.rollback()
        else:
            counts.committed = len(outcomes) - len(failed)
        return validation_reply([_with_errors(call, outcome) for outcome in failed])
    counts.committed = len(outcomes) - len(failed)
    if is_summarised:
        return _ok(call, resource, [_with_errors(call, outcome) for outcome in outcomes])
    return _ok(call, resource, [_with_outcome(call, outcome) for outcome in outcomes])


def _attempt(call: Call, write: Callable[[Element], Outcome], element: Element) -> Outcome:
    """One element; what a failed one touched on its way (a contact made for it) is taken back."""
    mark = call.book.mark()
    outcome = write(element)
    if outcome.errors:
        call.book.rollback(mark)
    return outcome


def _delete(call: Call, target: Target, counts: Counts) -> Reply:
    if target.resource.delete is None or not target.key:
        raise NotImplemented_("DELETE")
    counts.elements = 1
    outcome = target.resource.delete(call, target.key)
    if outcome.errors:
        return validation_reply([_with_errors(call, outcome)])
    counts.committed = 1
    return _ok(call, target.resource, [outcome.element])


def _ok(call: Call, resource: Resource, elements: list[Json], pagination: Json | None = None) -> Reply:
    return Reply(200, dump(envelope(resource.name, elements, call.now, call.new_id(), pagination)))


def _with_errors(call: Call, outcome: Outcome) -> Json:
    if not outcome.errors:
        return outcome.element
    texts: list[Mapping[str, Any]] = [{call.switches.validation_text: error} for error in outcome.errors]
    return outcome.element | {"ValidationErrors": texts}


def _with_outcome(call: Call, outcome: Outcome) -> Json:
    element = _with_errors(call, outcome)
    element["StatusAttributeString"] = "ERROR" if outcome.errors else "OK"
    return element


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"The posted data is not valid JSON: {error}") from None
