"""What a webhook of Xero means: which documents are to be read. Pure.

A webhook names documents and says nothing of them, so it yields no event: the sender reads what it names, many at a
time, and what is not as it was becomes an event (streams.core.heard).
"""

from typing import Final

from connectors.base import Normalised, SourceConfig
from connectors.xero import webhook
from schemas.codec import Refused
from schemas.commands import Evidence, Heard, Ignored, RefusedEvent, XeroChange
from schemas.raw import RawRecord

_REMEDY: Final = (
    "Compare the delivery with Xero's documentation of its webhooks; then replay it with a release that reads it, or "
    "`ledgerstream resync`, which reads what changed without it."
)
# Of a supplier's credit note nothing is told.
_OF_SUPPLIERS: Final = "ACCPAYCREDIT"


def normalise(raw: RawRecord, config: SourceConfig) -> Normalised:
    """Never events: what is to be read, or why nothing is."""
    try:
        delivery = webhook.parse(raw.body)
    except Refused as error:
        message = f"Xero's {error.path} is {error.value}, expected {error.expected}."
        evidence = Evidence(message=message, field=error.path, value=error.value, remedy=_REMEDY)
        return RefusedEvent(cause="data", stage="normalise", evidence=evidence)
    changes = tuple(
        XeroChange(xero_tenant_id=change.tenant_id, resource=change.resource, xero_id=change.resource_id, at=change.at)
        for change in delivery.changes
        if change.document_type != _OF_SUPPLIERS
    )
    heard = Heard(changes=changes, first_sequence=delivery.first_sequence, last_sequence=delivery.last_sequence)
    if not delivery.last_sequence:
        return Ignored("Xero tries whether signatures are checked")
    return Ignored(f"names {len(changes)} documents that changed in Xero: they are read", heard)
