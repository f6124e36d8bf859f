"""Customers become contacts: one per customer, or one for the whole channel, as the tenant file says."""

import re
from typing import Final

from schemas import keys
from schemas.commands import Command, PostalAddress, UpsertContact
from schemas.events import ContactUpdated
from schemas.events.fields import Address, Customer
from streams.core.refusal import Unbookable
from streams.core.routing import Facts, definite_tenant
from streams.core.rules.context import Context, one_line
from streams.core.tenant_file import Contacts
from streams.core.tenants import Tenant

_NUMBER: Final = re.compile(r"[A-Za-z0-9:_.\-]{1,50}")
_NAME_CHARACTERS_MAX: Final = 255
_CHANNEL_ID: Final = "all"
_EMAIL_DIGEST_LETTERS: Final = 24


def contact_updated(context: Context, event: ContactUpdated) -> tuple[Command, ...]:
    """A contact of a CRM as it is now."""
    country = event.country or (event.contact.address.country if event.contact.address else None)
    tenant = definite_tenant(context.tenants, context.envelope.source, Facts(country=country))
    policy = contact_policy(tenant, context.envelope.source)
    if policy.policy == "per_channel":
        # The channel's one contact stands for all of them, so the change of a single customer has no place to go.
        return ()
    effect = _effect(context.entity, tenant)
    payload = _payload(context.entity, event.contact, ensure=False, first=event.first_name, last=event.last_name)
    return (context.command("contact", payload, tenant=tenant.name, effect=effect, sequence=context.sequence),)


def contact_for(context: Context, tenant: Tenant, customer: Customer) -> Command:
    """The command that makes sure of the contact of a sale. It never changes a contact that is there."""
    source = context.envelope.source
    policy = contact_policy(tenant, source)
    kind, identifier = _whose(policy, customer)
    entity = keys.entity_key(source, kind, identifier)
    who = customer if kind == "customer" else Customer(name=policy.channel_name)
    payload = _payload(entity, who, ensure=True)
    return context.command("contact", payload, tenant=tenant.name, effect=_effect(entity, tenant))


def contact_policy(tenant: Tenant, source: str) -> Contacts:
    """How this tenant keeps the customers of a source; Unbookable if its file does not say."""
    policy = tenant.file.contacts.get(source)
    if policy is None:
        raise Unbookable(
            "source",
            source,
            f"The tenant file {tenant.name}.yaml does not say which contacts the customers of {source} become.",
            f"Add {source} under contacts in {tenant.name}.yaml, then replay.",
        )
    return policy


def _whose(policy: Contacts, customer: Customer) -> tuple[str, str]:
    if policy.policy == "per_channel":
        return "channel", _CHANNEL_ID
    if customer.id is not None:
        return "customer", customer.id
    if policy.guests == "per_email" and customer.email:
        # An address is personal data, and keys last for ever: the key holds a digest of it.
        folded = customer.email.strip().lower().encode()
        return "customer", f"email-{keys.digest(folded)[:_EMAIL_DIGEST_LETTERS]}"
    return "channel", _CHANNEL_ID


def _effect(entity: str, tenant: Tenant) -> str:
    # One customer may buy from two organisations; each of them has a contact of its own.
    return keys.effect_key(entity, f"contact:{tenant.name}")


def _payload(
    entity: str, customer: Customer, *, ensure: bool, first: str | None = None, last: str | None = None
) -> UpsertContact:
    source, kind, identifier = keys.parse_entity_key(entity)
    readable = f"{source}:{identifier}" if kind == "customer" else f"{source}:{kind}"
    number = readable if _NUMBER.fullmatch(readable) else keys.mark(entity)
    name = one_line(customer.name)[:_NAME_CHARACTERS_MAX]
    suffix = f" ({number})"
    return UpsertContact(
        number=number,
        name=name,
        alias=name[: _NAME_CHARACTERS_MAX - len(suffix)].rstrip() + suffix,
        ensure=ensure,
        email=customer.email,
        phone=customer.phone,
        first_name=first,
        last_name=last,
        tax_number=customer.tax_number,
        address=_address(customer.address),
    )


def _address(address: Address | None) -> PostalAddress | None:
    if address is None:
        return None
    return PostalAddress(
        line1=address.line1,
        line2=address.line2,
        city=address.city,
        region=address.region,
        postal_code=address.postal_code,
        country=address.country,
    )
