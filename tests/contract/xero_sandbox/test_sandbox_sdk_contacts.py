"""The SDK creates, matches, changes, lists and archives contacts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from xero_python.accounting import models as m
from xero_python.exceptions import AccountingBadRequestException, NotFoundException

from tests.contract.xero_sandbox.sdk import Sdk, refusal

ZERO = "00000000-0000-0000-0000-000000000000"


def post(sdk: Sdk, **fields: Any) -> Any:
    return sdk.api.update_or_create_contacts(sdk.tenant, m.Contacts(contacts=[m.Contact(**fields)])).contacts[0]


def test_a_contact_is_created_and_read_by_id_and_by_number(sdk: Sdk) -> None:
    contact = sdk.contact(
        contact_number="C-1",
        email_address="ann@example.com",
        phones=[m.Phone(phone_type="MOBILE", phone_number="0770")],
        addresses=[m.Address(address_type="STREET", city="Leeds")],
        contact_persons=[m.ContactPerson(first_name="Bea", include_in_emails=True)],
    )
    read = sdk.api.get_contact(sdk.tenant, contact.contact_id).contacts[0]
    assert (read.name, read.contact_number, read.email_address) == ("Ann Alder", "C-1", "ann@example.com")
    assert [phone.phone_type for phone in read.phones] == ["DDI", "DEFAULT", "FAX", "MOBILE"]
    assert read.phones[3].phone_number == "0770"
    assert [address.city for address in read.addresses] == ["Leeds", ""]
    assert read.contact_persons[0].first_name == "Bea"
    assert sdk.api.get_contact_by_contact_number(sdk.tenant, "C-1").contacts[0].contact_id == contact.contact_id


def test_a_name_is_unique_without_regard_to_case(sdk: Sdk) -> None:
    sdk.contact("Ann Alder")
    text = refusal(lambda: sdk.contact("ANN ALDER"))
    assert text == (
        "The contact name ANN ALDER is already assigned to another contact. "
        "The contact name must be unique across all active contacts."
    )


def test_a_contact_number_is_unique(sdk: Sdk) -> None:
    sdk.contact("Ann", contact_number="C-1")
    assert "Another contact has this contact number" in refusal(lambda: sdk.contact("Bea", contact_number="C-1"))


def test_post_matches_by_number_then_by_name_and_overwrites(sdk: Sdk) -> None:
    contact = sdk.contact("Ann", contact_number="C-1")
    by_number = post(sdk, name="Ann Renamed", contact_number="C-1")
    assert (by_number.contact_id, by_number.name) == (contact.contact_id, "Ann Renamed")
    by_name = post(sdk, name="ann renamed", email_address="ann@example.com")
    assert by_name.contact_id == contact.contact_id
    assert sdk.api.get_contact(sdk.tenant, contact.contact_id).contacts[0].email_address == "ann@example.com"


def test_each_element_has_its_own_outcome_and_its_place(sdk: Sdk) -> None:
    sdk.contact("Ann")
    batch = m.Contacts(contacts=[m.Contact(name="Ann"), m.Contact(name="Bea"), m.Contact(name="x", email_address="no")])
    outcomes = sdk.api.create_contacts(sdk.tenant, batch, summarize_errors=False).contacts
    assert [outcome.status_attribute_string for outcome in outcomes] == ["ERROR", "OK", "ERROR"]
    assert [outcome.has_validation_errors for outcome in outcomes] == [True, False, True]
    assert outcomes[0].contact_id == ZERO
    assert outcomes[2].validation_errors[0].message == "Email address must be valid."
    assert [contact.name for contact in sdk.api.get_contacts(sdk.tenant).contacts] == ["Ann", "Bea"]


def test_a_summarised_refusal_has_the_recorded_shape_and_saves_nothing(sdk: Sdk) -> None:
    sdk.contact("Ann")
    batch = m.Contacts(contacts=[m.Contact(name="Bea"), m.Contact(name="Ann")])
    with pytest.raises(AccountingBadRequestException) as caught:
        sdk.api.create_contacts(sdk.tenant, batch)
    data = caught.value.error_data
    assert (data["ErrorNumber"], data["Type"]) == (10, "ValidationException")
    assert data["Message"] == "A validation exception occurred"
    assert data["Elements"][0]["ContactID"] == ZERO
    assert [contact.name for contact in sdk.api.get_contacts(sdk.tenant).contacts] == ["Ann"]


def test_a_summarised_success_says_nothing_of_outcomes(sdk: Sdk) -> None:
    assert sdk.contact("Ann").status_attribute_string is None


def test_archiving_frees_the_name_and_closes_the_contact(sdk: Sdk) -> None:
    contact = sdk.contact("Ann")
    update = m.Contacts(contacts=[m.Contact(contact_status="ARCHIVED")])
    assert sdk.api.update_contact(sdk.tenant, contact.contact_id, update).contacts[0].contact_status == "ARCHIVED"
    assert sdk.api.get_contacts(sdk.tenant).contacts == []
    listed = sdk.api.get_contacts(sdk.tenant, include_archived=True, where='Name=="Ann"').contacts
    assert [row.contact_id for row in listed] == [contact.contact_id]
    renamed = m.Contacts(contacts=[m.Contact(first_name="A")])
    text = refusal(lambda: sdk.api.update_contact(sdk.tenant, contact.contact_id, renamed))
    assert "Archived contacts cannot currently be edited via the API." in text
    assert sdk.contact("Ann").contact_id != contact.contact_id


def test_an_unknown_id_fails_the_whole_request(sdk: Sdk) -> None:
    with pytest.raises(NotFoundException):
        post(sdk, contact_id="11111111-1111-1111-1111-111111111111", name="Nobody")


def test_lists_are_filtered_searched_paged_and_ordered(sdk: Sdk) -> None:
    for number in range(5):
        sdk.contact(f"Customer {number}", email_address=f"c{number}@example.com", contact_number=f"N{number}")
    by_mail = sdk.api.get_contacts(sdk.tenant, where='EmailAddress=="C3@example.com"').contacts
    assert [contact.name for contact in by_mail] == ["Customer 3"]
    assert len(sdk.api.get_contacts(sdk.tenant, search_term="n4").contacts) == 1
    page = sdk.api.get_contacts(sdk.tenant, page=2, page_size=2, order="Name DESC")
    assert [contact.name for contact in page.contacts] == ["Customer 2", "Customer 1"]
    assert (page.pagination.item_count, page.pagination.page_count) == (5, 3)
    assert sdk.api.get_contacts(sdk.tenant, page=9).contacts == []
    ids = [contact.contact_id for contact in page.contacts]
    assert len(sdk.api.get_contacts(sdk.tenant, i_ds=ids).contacts) == 2


def test_only_what_changed_since_is_listed(sdk: Sdk) -> None:
    sdk.contact("Ann")
    hour = timedelta(hours=1)
    assert len(sdk.api.get_contacts(sdk.tenant, if_modified_since=datetime.now(UTC) - hour).contacts) == 1
    assert sdk.api.get_contacts(sdk.tenant, if_modified_since=datetime.now(UTC) + hour).contacts == []


def test_a_summary_leaves_the_addresses_out(sdk: Sdk) -> None:
    sdk.contact("Ann")
    summary = sdk.api.get_contacts(sdk.tenant, summary_only=True)
    assert summary.contacts[0].addresses is None
    assert summary.pagination.item_count == 1
