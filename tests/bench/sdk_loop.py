"""A straightforward loop over xero-python: customer, invoice, payment, one call each, one after the other.

Arguments: how to connect, as the sandbox's JSON, and for how many seconds. What is over the limit is repeated by the
SDK itself, as it comes out of the box. Prints how many documents there are, and in how many seconds.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, Final

from xero_python.accounting import AccountingApi
from xero_python.accounting import models as m
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.api_client.oauth2 import OAuth2Token, TokenApi

from streams.demo.catalogue import Order
from tests.bench import events

DOCUMENTS: Final = 200
_DAY: Final = date(2026, 11, 24)
_TAX: Final = {"20": "OUTPUT2", "0": "ZERORATEDOUTPUT"}


class Loop:
    """The client, and what it has booked so far."""

    def __init__(self, described: dict[str, Any]) -> None:
        token: dict[str, Any] = {}
        configuration = Configuration(oauth2_token=OAuth2Token(described["client_id"], described["client_secret"]))
        self._client = ApiClient(configuration, pool_threads=1)
        self._client.oauth2_token_getter(lambda: token)
        self._client.oauth2_token_saver(token.update)
        TokenApi.client_credentials_token_url = f"{described['identity_url']}/connect/token"
        self._client.get_client_credentials_token()
        self._api = AccountingApi(self._client, base_url=described["api_url"])
        self._tenant = described["organisations"][0]["tenant_id"]
        self._contacts: dict[str, str] = {}

    def calls(self, order: Order) -> Iterator[Callable[[], Any]]:
        """The calls of one order, each of which books one document."""
        customer = str(order.customer.id)
        if customer not in self._contacts:
            yield lambda: self._contact(order)
        yield lambda: self._invoice(order)
        yield lambda: self._payment(order)

    def _contact(self, order: Order) -> None:
        contact = m.Contact(name=order.customer.name, contact_number=order.customer.id)
        made = self._api.create_contacts(self._tenant, m.Contacts(contacts=[contact])).contacts[0]
        self._contacts[str(order.customer.id)] = made.contact_id

    def _invoice(self, order: Order) -> None:
        lines = [
            m.LineItem(
                description=line.item.name,
                quantity=line.quantity,
                unit_amount=line.item.price,
                account_code="200",
                tax_type=_TAX[line.item.rate],
            )
            for line in order.lines
        ]
        invoice = m.Invoice(
            type="ACCREC",
            status="AUTHORISED",
            contact=m.Contact(contact_id=self._contacts[str(order.customer.id)]),
            date=_DAY,
            due_date=_DAY,
            invoice_number=order.number,
            line_amount_types=m.LineAmountTypes.INCLUSIVE,
            line_items=lines,
        )
        made = self._api.create_invoices(self._tenant, m.Invoices(invoices=[invoice])).invoices[0]
        self._made = made.invoice_id

    def _payment(self, order: Order) -> None:
        payment = m.Payment(
            invoice=m.Invoice(invoice_id=self._made), account=m.Account(code="091"), date=_DAY, amount=order.total
        )
        self._api.create_payments(self._tenant, m.Payments(payments=[payment]))


def main(described: str, seconds: str) -> None:
    """Book until the time is over or all documents are there."""
    loop = Loop(json.loads(described))
    started, documents = time.monotonic(), 0
    until = started + float(seconds)
    for order in events.orders(DOCUMENTS, customers=100):
        for call in loop.calls(order):
            call()
            if time.monotonic() > until:
                sys.stdout.write(f"{documents} {seconds}\n")
                return
            documents += 1
            if documents == DOCUMENTS:
                sys.stdout.write(f"{documents} {time.monotonic() - started}\n")
                return


if __name__ == "__main__":
    main(*sys.argv[1:])
