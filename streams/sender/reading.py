"""Reading what Xero holds, for commands that must know it before they can be decided."""

import structlog

from connectors.xero import answers
from connectors.xero.answers import Elements
from connectors.xero.auth import AuthRefused, AuthUnavailable
from connectors.xero.ticket import Answer, Ticket
from streams.core.plan import ReadDocuments
from streams.core.settle import shut_out, stop_for
from streams.core.situation import Document
from streams.sender.drive import exchange
from streams.sender.parts import Organisation, Parts

_log = structlog.get_logger()


async def read(parts: Parts, organisation: Organisation, ticket: Ticket, step: ReadDocuments) -> None:
    """Keep what Xero shows of the documents. One that it does not show is kept as empty: it is gone.

    An answer that says nothing keeps nothing, so that the next turn reads again.
    """
    try:
        outcome = await exchange(parts, ticket)
    except AuthRefused as error:
        await parts.stop(organisation.tenant, stop_for("auth", error.message, error.remedy))
        return
    except AuthUnavailable as error:
        _log.warning("not read", tenant=organisation.tenant, reason=str(error))
        await parts.pause(parts.patience.look_again_s)
        return
    if not isinstance(outcome, Answer):
        return
    found = answers.read(outcome, step.resource)
    if isinstance(found, Elements):
        now = parts.clock.now()
        bodies = {(one.xero_id or "").lower(): one.body for one in found.outcomes}
        documents = [
            Document(resource=step.resource, xero_id=xero_id, body=bodies.get(xero_id.lower(), {}), read_at=now)
            for xero_id in step.ids
        ]
        voice = organisation.voice
        await parts.ledger.results.save_documents(organisation.tenant, documents, ticket.fence, voice)
        if voice is not None:
            parts.news()
    elif (stop := shut_out(found)) is not None:
        await parts.stop(organisation.tenant, stop)
    else:
        _log.warning("not read", tenant=organisation.tenant, reason=found.message)
        await parts.pause(parts.patience.look_after_error_s)
