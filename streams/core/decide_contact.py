"""Contacts: made once under our number, then only the fields that the source changed."""

from typing import Final

from connectors.xero import elements
from schemas.commands import UpsertContact
from streams.core.decisions import (
    LEAVE,
    OVERWRITE,
    Decision,
    NeedsRead,
    asked,
    fresh,
    gone,
    rejected,
    write,
)
from streams.core.merge import merge
from streams.core.results import Rejected, Same
from streams.core.situation import ReadyCommand

# What an earlier refusal taught: the name is another contact's, so ours takes the alias.
NAME_HINT: Final = "name"
ALIAS: Final = "alias"


def decide(command: ReadyCommand, payload: UpsertContact) -> Decision:
    """A contact that is ensured is never changed; an update changes what the source changed, and no more."""
    xero_id = command.effect.xero_id
    name = payload.alias if command.hints.get(NAME_HINT) == ALIAS else payload.name
    wanted = elements.contact(payload, name=name)
    if xero_id is None:
        return write(command, "Contacts", wanted, "create", "PUT", number=payload.number)
    if payload.ensure:
        return Same(command_id=command.command_id, reason="the contact is in Xero; an order does not change it")
    document = fresh(command, command.effect.document, "Contacts", xero_id)
    if isinstance(document, NeedsRead):
        return document
    if not document.body:
        return gone(command, "contact", xero_id)
    if document.body.get("ContactStatus") == "ARCHIVED":
        return _archived(command, document.body.get("MergedToContactID"))
    # The number is our key: it is written once, when the contact is made.
    fields = {key: value for key, value in wanted.items() if key != "ContactNumber"}
    merged = merge(fields, command.effect.posted_body, document.body, command.decision)
    if merged.conflicts:
        return asked(
            command,
            "changed_in_xero",
            f"A person changed {', '.join(merged.conflicts)} of this contact in Xero, and the source changed it too.",
            {key: fields[key] for key in merged.conflicts},
            {key: document.body.get(key) for key in merged.conflicts},
            LEAVE,
            OVERWRITE,
        )
    if not merged.send:
        return Same(command_id=command.command_id, reason="Xero shows these details already")
    return write(command, "Contacts", {"ContactID": xero_id, **merged.send}, "update", "POST", number=payload.number)


def _archived(command: ReadyCommand, merged_into: str | None) -> Rejected:
    if merged_into:
        return rejected(
            command,
            "The contact was merged into another one in Xero, and archived contacts cannot be edited.",
            "What is booked for this customer goes to the contact that it was merged into. Change that one in Xero if "
            "need be, then `ledgerstream dlq discard ID`.",
            "MergedToContactID",
            merged_into,
        )
    return rejected(
        command,
        "The contact is archived in Xero, and archived contacts cannot be edited.",
        "Restore it in Xero (Contacts > Archived), then `ledgerstream dlq replay ID`.",
        "ContactStatus",
        "ARCHIVED",
    )
