"""An element that Xero kept, as a result: posted, or posted with a question where it is not to the penny (G6)."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from connectors.xero.wire import ID_KEYS, NUMBER_KEYS, amount
from schemas.commands import UpsertContact, UpsertCreditNote, UpsertInvoice
from schemas.money import for_people
from streams.core.results import Asked, Option, Posted
from streams.core.situation import Document, OpenWrite

_WORDS: Final = {"Total": "total", "TotalTax": "tax"}
_KEEP: Final = Option("keep", "it is right as it stands in Xero; go on with what waits behind it")


def posted(item: OpenWrite, body: Mapping[str, Any], now: dt.datetime, reason: str) -> Posted | Asked:
    """The effect stands in Xero as `body` shows."""
    write, command = item.write, item.command
    done = Posted(
        command_id=command.command_id,
        # The document of a reversal is the payment's: it belongs to the payment's effect.
        resource=None if write.step == "delete" else write.resource,
        xero_id=None if write.step == "delete" else body.get(ID_KEYS[write.resource]),
        number=body.get(NUMBER_KEYS.get(write.resource, "")) or write.number,
        document=document(item, body, now),
        sent=_sent(item, body),
        reason=reason,
    )
    payload = command.payload
    if not isinstance(payload, UpsertInvoice | UpsertCreditNote) or "LineItems" not in write.element:
        return done
    wanted = {"Total": payload.total}
    if isinstance(payload, UpsertInvoice) and payload.total_tax is not None:
        wanted["TotalTax"] = payload.total_tax
    returned = {name: amount(body.get(name)) for name in wanted}
    off = [name for name in wanted if returned[name] is not None and returned[name] != wanted[name]]
    if not off:
        return done
    # A tax that is off leaves the total of an inclusive document as it is: the VAT return would be wrong in silence.
    ours = {name: for_people(value, payload.currency) for name, value in wanted.items()}
    theirs = {name: for_people(value, payload.currency) for name, value in returned.items() if value is not None}
    words = " and ".join(f"a {_WORDS[name]} of {theirs[name]} instead of {ours[name]}" for name in off)
    return Asked(
        command_id=command.command_id,
        kind="difference",
        text=f"Xero made of {write.number} {words}, which the source's lines come to. It is booked; what comes after "
        "it for this order waits. Compare the rates in the tenant file with the tax rates in Xero.",
        ours=ours,
        theirs={**theirs, "InvoiceNumber": write.number},
        options=(_KEEP,),
        cause="difference",
        posted=done,
    )


def document(item: OpenWrite, body: Mapping[str, Any], now: dt.datetime) -> Document | None:
    """The snapshot of what Xero showed, if it said which document it is."""
    xero_id = body.get(ID_KEYS[item.write.resource])
    if not isinstance(xero_id, str) or not xero_id:
        return None
    return Document(resource=item.write.resource, xero_id=xero_id, body=body, read_at=now)


def _sent(item: OpenWrite, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """All that we have ever posted of the document: an update sends only what it changes."""
    payload = item.command.payload
    element = _with_tax(item.write.element, body)
    if isinstance(payload, UpsertContact) and payload.alias and body.get("Name") == payload.alias:
        # Found under the name that we gave it when its own was another's: no person did that.
        return {**(item.command.effect.posted_body or {}), **element, "Name": payload.alias}
    if item.write.step == "create":
        return element
    return {**(item.command.effect.posted_body or {}), **element}


def _with_tax(element: Mapping[str, Any], body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The element with the tax that Xero made of each line: what it is later, a person made of it."""
    ours, theirs = element.get("LineItems") or (), body.get("LineItems") or ()
    if len(ours) != len(theirs):
        return element
    pairs = zip(ours, theirs, strict=True)
    items = [{**line, "TaxAmount": made["TaxAmount"]} if "TaxAmount" in made else line for line, made in pairs]
    return {**element, "LineItems": items} if items else element
