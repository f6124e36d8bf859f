"""Customers: the contact of an order, and a contact by itself."""

from connectors.shopify.told import shapes
from connectors.shopify.told.facts import Fact, country, utc, version, words
from schemas.codec import Refused
from schemas.events import ContactUpdated
from schemas.events.fields import Address, Customer

_GUEST = "Guest of the shop"


def contact_told(customer: shapes.Customer) -> tuple[Fact, ...]:
    """A customer as it is now."""
    if customer.updated_at is None:
        raise Refused("updated_at", "nothing", "when the customer changed last")
    home = customer.default_address
    identifier = str(customer.id)
    data = ContactUpdated(
        contact_id=identifier,
        contact=Customer(
            name=_name(customer, home, customer.email),
            id=identifier,
            email=words(customer.email),
            phone=words(customer.phone or (home.phone if home else None), 50),
            address=address(home),
        ),
        updated_at=utc(customer.updated_at, "updated_at"),
        first_name=words(customer.first_name),
        last_name=words(customer.last_name),
        country=country(home),
    )
    changed = version(customer.updated_at, "updated_at")
    return (Fact(f"customer:{identifier}", data.updated_at, data, "customer", changed),)


def buyer(order: shapes.Order) -> Customer:
    """Who bought; without an id it is a guest."""
    customer, home = order.customer, order.billing_address or order.shipping_address
    email = order.email or (customer.email if customer else None)
    phone = order.phone or (customer.phone if customer else None) or (home.phone if home else None)
    return Customer(
        name=_name(customer, home, email),
        id=str(customer.id) if customer else None,
        email=words(email),
        phone=words(phone, 50),
        address=address(home),
    )


def address(found: shapes.Address | None) -> Address | None:
    """A postal address, or None where there is none."""
    if found is None:
        return None
    made = Address(
        line1=words(found.address1),
        line2=words(found.address2),
        city=words(found.city),
        region=words(found.province),
        postal_code=words(found.zip, 50),
        country=country(found),
    )
    return None if made == Address() else made


def _name(customer: shapes.Customer | None, home: shapes.Address | None, email: str | None) -> str:
    own = f"{customer.first_name or ''} {customer.last_name or ''}" if customer else None
    choices = (own, home.name if home else None, home.company if home else None, email)
    return next((name for choice in choices if (name := words(choice))), _GUEST)
