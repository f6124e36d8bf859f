"""Tenant files beside the organisations that they mean: what Xero shows of each is asked through the ledger's slots."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from connectors.xero import answers
from connectors.xero.answers import Trouble
from connectors.xero.auth import AuthRefused, AuthUnavailable
from connectors.xero.ticket import Answer, NoAnswer, Ticket, XeroRequest
from connectors.xero.wire import decode
from streams.clock import Clock
from streams.core import books_checks
from streams.core.file_reading import Reading
from streams.core.settle import shut_out
from streams.core.tenant_file import TenantFile
from streams.ledger import Ledger

# Longer than a person waits; a minute's slots are free again after it.
_WAIT_S_MAX: Final = 65.0
# The path of each list, and its name in the answer.
_LISTS: Final = {
    "Organisation": "Organisations",
    "Accounts": "Accounts",
    "TaxRates": "TaxRates",
    "Currencies": "Currencies",
}


class Xero(Protocol):
    """The client, as far as it is needed here."""

    async def send(self, ticket: Ticket) -> Answer | NoAnswer:
        """Send once. Raises AuthRefused, AuthUnavailable."""
        ...


class OrganisationView(msgspec.Struct, frozen=True, kw_only=True):
    """One tenant file and its organisation (a contract). `name` is None where Xero was not asked or did not say;
    `problems` are sentences."""

    tenant: str
    name: str | None
    problems: tuple[str, ...]


class _NotTold(Exception):
    """Xero did not show a list; the text says why and what to do."""


async def compare(
    ledger: Ledger, xero: Xero, clock: Clock, file: Reading[TenantFile], tenant: str, timeout_s: float
) -> OrganisationView:
    """Ask Xero four questions about one organisation, and compare. Raises LedgerError."""
    told: dict[str, Sequence[Mapping[str, Any]]] = {}
    try:
        for path, name in _LISTS.items():
            ticket = await _ticket(ledger, clock, path, tenant, file.content.xero_tenant_id, timeout_s)
            told[path] = await _ask(ledger, xero, ticket, name)
    except AuthRefused as error:
        return OrganisationView(tenant=tenant, name=None, problems=(str(error),))
    except (AuthUnavailable, _NotTold) as error:
        return OrganisationView(tenant=tenant, name=None, problems=(f"{tenant}: {error}",))
    found = books_checks.books(*(told[path] for path in _LISTS))
    called = found.organisation.get("Name")
    return OrganisationView(tenant=tenant, name=called, problems=tuple(books_checks.problems(file, found)))


async def _ticket(
    ledger: Ledger, clock: Clock, path: str, tenant: str, xero_tenant_id: str, timeout_s: float
) -> Ticket:
    request = XeroRequest(method="GET", path=f"/{path}")
    waited = 0.0
    while True:
        opened = await ledger.calls.open(
            [], request, "read", tenant, xero_tenant_id, 0, timeout_s=timeout_s, is_urgent=True
        )
        if isinstance(opened, Ticket):
            return opened
        if waited + opened.seconds > _WAIT_S_MAX:
            raise _NotTold(f"no call is free: {opened.text}. Try again later.")
        waited += opened.seconds
        await clock.sleep(opened.seconds)


async def _ask(ledger: Ledger, xero: Xero, ticket: Ticket, resource: str) -> Sequence[Mapping[str, Any]]:
    try:
        answer = await xero.send(ticket)
    except (AuthRefused, AuthUnavailable) as error:
        await ledger.calls.answered(ticket, NoAnswer(left=False, detail=str(error)))
        raise
    await ledger.calls.answered(ticket, answer)
    if isinstance(answer, NoAnswer):
        raise _NotTold(f"Xero gave no answer ({answer.detail}). See that LEDGERSTREAM_XERO_API_URL is reached.")
    if answer.status == 200:
        try:
            found = decode(answer.body)[resource]
            return [one for one in found if isinstance(one, dict)]
        except (ValueError, KeyError, TypeError):
            raise _NotTold(f"Xero's answer holds no list {resource}. Is LEDGERSTREAM_XERO_API_URL Xero's?") from None
    trouble = answers.read(answer, resource)
    raise _NotTold(_why(trouble) if isinstance(trouble, Trouble) else f"Xero answered {answer.status}.")


def _why(trouble: Trouble) -> str:
    stop = shut_out(trouble)
    if stop is None:
        return f"Xero answered {trouble.status}: {trouble.message}. Try again later."
    return f"{stop.evidence.message}. {stop.evidence.remedy}"
