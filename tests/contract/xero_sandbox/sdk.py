"""The unmodified xero-python SDK, pointed at a served sandbox, with a few short forms for tests."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from xero_python.accounting import AccountingApi
from xero_python.accounting import models as m
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.api_client.oauth2 import OAuth2Token
from xero_python.exceptions import AccountingBadRequestException
from xero_python.identity import IdentityApi

from connectors.xero.sandbox import Address, Sandbox

DAY = date(2026, 9, 14)


@dataclass
class Served:
    """A running sandbox. Its methods may be called from the test's thread: they only read, or append to lists."""

    sandbox: Sandbox
    address: Address


class Sdk:
    """The SDK with a token of its own; everything but its addresses is as it comes out of the box."""

    def __init__(self, served: Served, token: dict[str, Any] | None = None) -> None:
        credentials = served.sandbox.credentials
        self.token: dict[str, Any] = token or {}
        configuration = Configuration(oauth2_token=OAuth2Token(credentials.client_id, credentials.client_secret))
        self.client = ApiClient(configuration, pool_threads=1)
        self.client.oauth2_token_getter(lambda: self.token)
        self.client.oauth2_token_saver(self._save)
        self.api = AccountingApi(self.client, base_url=served.address.api_url)
        self.identity = IdentityApi(self.client, base_url=served.address.base_url)
        self.tenant = served.sandbox.organisations[0].tenant_id

    def sign_in(self) -> None:
        self.client.get_client_credentials_token()

    def close(self) -> None:
        self.client.rest_client.pool_manager.clear()

    def _save(self, token: dict[str, Any]) -> None:
        self.token = token

    def contact(self, name: str = "Ann Alder", **fields: Any) -> Any:
        created = self.api.create_contacts(self.tenant, m.Contacts(contacts=[m.Contact(name=name, **fields)]))
        return created.contacts[0]

    def invoice(self, customer: Any, number: str | None = "A-1", **fields: Any) -> Any:
        """Create one AUTHORISED sales invoice of 2 x 10.00 at 20 % unless `fields` say otherwise."""
        created = self.api.create_invoices(self.tenant, m.Invoices(invoices=[draft(customer, number, **fields)]))
        return created.invoices[0]

    def pay(self, invoice: Any, amount: float = 24, **fields: Any) -> Any:
        payment = m.Payment(
            invoice=m.Invoice(invoice_id=invoice.invoice_id),
            account=m.Account(code="091"),
            date=DAY,
            amount=amount,
            **fields,
        )
        return self.api.create_payments(self.tenant, m.Payments(payments=[payment])).payments[0]


def line(**fields: Any) -> Any:
    return m.LineItem(**{"description": "Mug", "quantity": 2, "unit_amount": 10, "account_code": "200", **fields})


def draft(customer: Any, number: str | None = "A-1", **fields: Any) -> Any:
    values: dict[str, Any] = {
        "type": "ACCREC",
        "status": "AUTHORISED",
        "contact": m.Contact(contact_id=customer.contact_id),
        "date": DAY,
        "due_date": DAY,
        "line_items": [line()],
    }
    if number is not None:
        values["invoice_number"] = number
    return m.Invoice(**{**values, **fields})


def refusal(run: Callable[[], Any]) -> str:
    """The validation messages of the 400 that `run` gets."""
    with pytest.raises(AccountingBadRequestException) as caught:
        run()
    elements = caught.value.error_data["Elements"]
    return " | ".join(error["Message"] for element in elements for error in element["ValidationErrors"])
