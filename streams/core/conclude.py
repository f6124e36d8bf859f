"""What was seen in Xero → what became of a write whose answer is unknown, or which was refused as a double. Pure.

Design 7.6 and 7.7.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.xero import refusals
from connectors.xero.wire import ID_KEYS, NUMBER_KEYS, amount, day
from schemas.codec import shorten
from schemas.commands import CancelInvoice, UpsertContact
from streams.core.decisions import READ_AFTER
from streams.core.merge import canonical, field
from streams.core.posted import document, posted
from streams.core.results import Asked, Back, Option, Result
from streams.core.search import Body, bears_mark, is_live, other_mark
from streams.core.settle import Refused, reject
from streams.core.situation import RESTORED, OpenWrite, Version

ADOPT: Final = Option("adopt", "it is the same: take the one in Xero for this, unchanged")
_ADOPT_OTHERS: Final = Option(
    "adopt", "take the one in Xero for this all the same; what bears another mark is seldom it"
)
_AGAIN: Final = Option("retry", "try again: one of the two has got another number")
_KEEP: Final = Option("keep", "the double was removed in Xero; go on")
# Hint: since when a payment has been refused for being more than what is owed. A newer version of its order makes it
# try again (streams.ledger.retries); if none comes, it tries once more when the wait is over.
EXCEEDS_SINCE: Final = "exceeds_since"
_EXCEEDS_WAIT: Final = dt.timedelta(minutes=15)


def unknown(item: OpenWrite, seen: Sequence[Body], now: dt.datetime) -> Result:
    """The end of a write that nobody answered, from the documents that may be it."""
    if item.write.step == RESTORED:
        return _restored(item, seen, now)
    if item.write.step != "create":
        return _changed(item, seen, now)
    live = [body for body in seen if _is_ours(item, body)]
    if not live:
        # Xero refuses doubles of numbers, and a payment's mark is searchable: a new call may go out.
        return _again(item, "it did not reach Xero; it is sent anew", now)
    if len(live) > 1:
        return _doubled(item, live, now)
    return posted(item, live[0], now, "found in Xero after an answer that never came")


def _is_ours(item: OpenWrite, body: Body) -> bool:
    if item.write.resource == "Contacts":
        return True
    return is_live(body) and bears_mark(body, item.command.effect.mark)


def _restored(item: OpenWrite, seen: Sequence[Body], now: dt.datetime) -> Result:
    """The end of a write that a restored ledger does not know about. What became of the document after it was made
    comes again from Kafka, so it counts as it stands, changed or ended; unless the command replaced earlier versions:
    then one of those may stand, and planning goes on from there."""
    ours = [body for body in seen if item.write.resource == "Contacts" or bears_mark(body, item.command.effect.mark)]
    if not ours:
        return _again(item, "Xero does not hold it; it is sent", now, {READ_AFTER: now.isoformat()})
    live = [body for body in ours if is_live(body)]
    if len(live) > 1:
        return _doubled(item, live, now)
    body = (live or ours)[0]
    if isinstance(item.command.payload, CancelInvoice) or (live and item.command.replaced and not _shows(item, body)):
        before = next((one for one in reversed(item.older) if _holds(item, one.element, body)), None)
        if before is None and item.command.effect.xero_id is None:
            # Nothing else is known of it; of a document that was booked before the backup, the backup knows.
            before = next(reversed(item.older), None)
        return _update_path(item, body, now, before)
    done = posted(item, body, now, "it was in Xero already, sent after the backup that was put back")
    if isinstance(done, Asked) and done.posted is not None and not _shows(item, body):
        # A newer version has changed it since: its total is that one's.
        return done.posted
    return done


def _changed(item: OpenWrite, seen: Sequence[Body], now: dt.datetime) -> Result:
    """An update or a voiding is there if the document shows it; to send it twice changes nothing."""
    if seen and _shows(item, seen[0]):
        return posted(item, seen[0], now, "found in Xero after an answer that never came")
    return _again(item, "the change did not reach Xero; it is decided anew", now, {READ_AFTER: now.isoformat()})


def _shows(item: OpenWrite, body: Body) -> bool:
    """Whether the document is as it would be after the write."""
    return _holds(item, item.write.element, body)


def _holds(item: OpenWrite, element: Body, body: Body) -> bool:
    """Whether the document is as the element says."""
    return all(canonical(name, value) == field(body, name) for name, value in _told(item, element))


def _told(item: OpenWrite, element: Body) -> list[tuple[str, Any]]:
    """Only what can be compared as it stands: slots of a contact show more than was sent."""
    names = element.keys() - {ID_KEYS[item.write.resource], "Phones", "Addresses"}
    return [(name, element[name]) for name in sorted(names)]


def refused(problem: Refused, seen: Sequence[Body], now: dt.datetime) -> Result:
    """The end of a create that Xero refused as a double, or as more than what is owed."""
    kind = problem.refusal.kind
    if kind in ("exceeds", "not_authorised"):
        return _payment(problem, seen, now)
    if kind in ("name_taken", "contact_number_taken"):
        return _contact(problem, seen, now)
    return _number(problem, seen, now)


def _payment(problem: Refused, seen: Sequence[Body], now: dt.datetime) -> Result:
    item = problem.item
    live = [body for body in seen if is_live(body)]
    if live:
        return posted(item, live[0], now, "it was in Xero already, by its mark")
    if problem.refusal.kind == "not_authorised":
        return reject(item, problem.refusal)
    since = item.command.hints.get(EXCEEDS_SINCE) or now.isoformat()
    until = dt.datetime.fromisoformat(since) + _EXCEEDS_WAIT
    if now >= until:
        return reject(item, problem.refusal)
    reason = "more than the invoice owes: waits up to 15 minutes for a newer version of its order"
    return _again(item, reason, until, {EXCEEDS_SINCE: since})


def _contact(problem: Refused, seen: Sequence[Body], now: dt.datetime) -> Result:
    item, payload = problem.item, problem.item.command.payload
    if not seen:
        return reject(item, problem.refusal)
    body = seen[0]
    if body.get("ContactStatus") == "ARCHIVED":
        said = problem.refusal.evidence.xero_validation
        return reject(item, refusals.named("archived_contact", "Contacts", item.write.element, said))
    if isinstance(payload, UpsertContact) and not payload.ensure:
        return _update_path(item, body, now)
    return posted(item, body, now, "the contact was in Xero already, by its number")


def _number(problem: Refused, seen: Sequence[Body], now: dt.datetime) -> Result:
    item = problem.item
    if not seen:
        return reject(item, problem.refusal)
    body = seen[0]
    if bears_mark(body, item.command.effect.mark) and is_live(body):
        if _is_same(item, body):
            return posted(item, body, now, "it was in Xero already, by its mark")
        return _update_path(item, body, now)
    if item.command.decision == ADOPT.name:
        return posted(item, body, now, "a person says that it is the same")
    others = other_mark(body, item.command.effect.mark)
    return Asked(
        command_id=item.command.command_id,
        kind="number_taken",
        text=f"Xero already has a document with the number {item.write.number}: {_whose(body, others)}.",
        ours=_ours(item),
        theirs=_sale(item, body, amount(body.get("Total")), body.get("CurrencyCode"), _name(body.get("Contact"))),
        options=(ADOPT, _AGAIN) if others is None else (_AGAIN, _ADOPT_OTHERS),
    )


def _ours(item: OpenWrite) -> dict[str, str]:
    payload, element = item.command.payload, item.write.element
    links = [link for link in item.command.depends_on if link.resource == "Contacts"]
    known = next((str(link.document.body.get("Name")) for link in links if link.document is not None), None)
    total, currency = getattr(payload, "total", None), getattr(payload, "currency", None)
    return _sale(item, element, total, currency, known or _name(element.get("Contact")))


def _sale(item: OpenWrite, body: Body, total: object, currency: str | None, contact: str | None) -> dict[str, str]:
    """What an accountant tells two sales apart by; of either side alike."""
    name = NUMBER_KEYS[item.write.resource]
    told = {
        name: body.get(name),
        "Contact": contact,
        "Date": day(body, "Date"),
        "Total": total,
        "CurrencyCode": currency,
        "Reference": body.get("Reference"),
        "Status": body.get("Status"),
    }
    return {key: shorten(str(value)) if key == "Reference" else str(value) for key, value in told.items() if value}


def _name(contact: Any) -> str | None:
    """A contact of a document in words, as far as it is told."""
    return (contact.get("Name") or contact.get("ContactID")) if isinstance(contact, Mapping) else None


def _whose(body: Body, others: str | None) -> str:
    """Why the document is not taken for ours."""
    if others is not None:
        return f"it bears the mark {others} of something else, which `ledgerstream trace {others}` tells about"
    if not is_live(body):
        return f"it is {body.get('Status')}, and Xero never gives a number twice"
    return "it bears no mark of this sale, so it was entered by hand or belongs to another sale with the same number"


def _is_same(item: OpenWrite, body: Body) -> bool:
    """Same customer, currency and total."""
    element = item.write.element
    total = getattr(item.command.payload, "total", None)
    return (
        canonical("Contact", body.get("Contact")) == canonical("Contact", element.get("Contact"))
        and body.get("CurrencyCode") == element.get("CurrencyCode")
        and total is not None
        and amount(body.get("Total")) == total
    )


def _update_path(item: OpenWrite, body: Body, now: dt.datetime, sent: Version | None = None) -> Back:
    """It is ours with another content: the effect gets its document, and planning goes on from what Xero holds. `sent`
    is the version that we sent last, as far as that is known: what differs from it is a person's."""
    return Back(
        command_id=item.command.command_id,
        cause="transient",
        reason="it was in Xero already with other content; what differs is updated",
        not_before=now,
        document=document(item, body, now),
        sent=sent,
    )


def _doubled(item: OpenWrite, live: Sequence[Body], now: dt.datetime) -> Result:
    """The residue of G2, should it ever come about: booked, and a person must take one away."""
    done = posted(item, live[0], now, "found in Xero twice")
    if isinstance(done, Asked):
        return done
    key = ID_KEYS[item.write.resource]
    return Asked(
        command_id=item.command.command_id,
        kind="doubled",
        text="Xero holds this twice under our mark. Delete one of the two in Xero.",
        ours={key: live[0].get(key)},
        theirs={key: live[1].get(key)},
        options=(_KEEP,),
        posted=done,
    )


def _again(item: OpenWrite, reason: str, at: dt.datetime, hints: dict[str, str] | None = None) -> Back:
    return Back(command_id=item.command.command_id, cause="transient", reason=reason, not_before=at, hints=hints or {})
