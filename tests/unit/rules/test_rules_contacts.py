"""Customers become contacts by the tenant file's policy."""

from typing import Any

import pytest

from schemas.commands import Command, Ignored, UpsertContact
from streams.core.tenant_file import Contacts
from streams.core.tenants import Tenant, Tenants
from tests.support.rules import ORDER, TENANTS, commands, record


def contact(customer: dict[str, Any], source: str = "shop-1") -> tuple[str, UpsertContact]:
    found = commands("OrderPlaced", {**ORDER, "customer": customer}, source=source)[0]
    assert isinstance(found.payload, UpsertContact)
    return found.effect_key, found.payload


def test_a_guest_with_an_address_is_known_by_a_digest_of_it() -> None:
    key, payload = contact({"name": "Guest", "email": " Ann@Example.com"})
    same, _ = contact({"name": "Guest", "email": "ann@example.com "})
    assert key == same
    assert "example" not in key
    assert payload.email == " Ann@Example.com"


@pytest.mark.parametrize(
    ("source", "customer"),
    [("shop-1", {"name": "Guest"}), ("shop-2", {"name": "Guest", "email": "ann@example.com"})],
)
def test_other_guests_share_the_channels_contact(source: str, customer: dict[str, Any]) -> None:
    key, payload = contact(customer, source)
    assert key == f"{source}:channel:all#contact:uk"
    assert payload.name == f"{'Shop 1' if source == 'shop-1' else 'Shop 2'} customers"
    assert payload.email is None


def test_an_id_that_xero_could_not_list_is_replaced_by_a_mark() -> None:
    _, payload = contact({"id": "7,7", "name": "Ann"})
    assert payload.number.isalnum()
    assert len(payload.number) == 12


def test_a_contact_of_a_crm_is_updated_with_its_version() -> None:
    data = {
        "contact_id": "9",
        "contact": {"name": "Ann Alder", "email": "a@example.com", "address": {"city": "Leeds", "country": "GB"}},
        "first_name": "Ann",
        "updated_at": "2026-11-24T09:30:00Z",
    }
    [command] = commands("ContactUpdated", data, source="crm-1", sequence="3")
    assert isinstance(command, Command)
    assert (command.effect_key, command.sequence) == ("crm-1:customer:9#contact:uk", 3)
    assert isinstance(command.payload, UpsertContact)
    assert not command.payload.ensure
    assert command.payload.address is not None
    assert command.payload.address.city == "Leeds"


def test_where_all_customers_share_a_contact_a_change_of_one_is_ignored() -> None:
    uk = TENANTS.tenants["uk"]
    shared = Contacts(policy="per_channel", channel_name="Everyone")
    file = uk.file.model_copy(update={"contacts": {**uk.file.contacts, "crm-1": shared, "shop-1": shared}})
    tenants = Tenants(TENANTS.sources, {"uk": Tenant("uk", file)})
    data = {"contact_id": "9", "contact": {"name": "Ann"}, "updated_at": "2026-11-24T09:30:00Z"}
    outcome = record("ContactUpdated", data, source="crm-1", tenants_=tenants).outcome
    assert outcome == Ignored("the customers of this source share one contact")
    order = commands("OrderPlaced", ORDER, tenants_=tenants)[0]
    assert order.effect_key == "shop-1:channel:all#contact:uk"
