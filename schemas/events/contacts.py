"""Customers as a CRM or shop knows them."""

from typing import Annotated

from msgspec import Meta

from schemas.events.fields import Contract, Country, Customer, Identifier, Instant, Name


class ContactUpdated(Contract, frozen=True, kw_only=True):
    """The whole contact as it is now. `country` helps routing where one CRM serves several organisations."""

    contact_id: Identifier
    contact: Customer
    updated_at: Instant
    first_name: Name | None = None
    last_name: Name | None = None
    country: Country | None = None


class ContactMerged(Contract, frozen=True, kw_only=True):
    """The source merged contacts: `merged_ids` are gone, `contact_id` stays."""

    contact_id: Identifier
    merged_ids: Annotated[tuple[Identifier, ...], Meta(min_length=1, max_length=100)]
    merged_at: Instant
