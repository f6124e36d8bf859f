"""What a person does on Xero's screen: archiving, merging, editing and paying by hand, connecting and disconnecting."""

from collections.abc import Mapping
from typing import Any

import msgspec

from connectors.xero.sandbox.books import contacts, payments
from connectors.xero.sandbox.books.call import Outcome
from connectors.xero.sandbox.books.tables import Book
from connectors.xero.sandbox.engine import Engine
from connectors.xero.sandbox.problems import Refusal
from connectors.xero.sandbox.reading import Element
from connectors.xero.sandbox.resources import RESOURCES
from connectors.xero.sandbox.wire import Json


class PersonError(ValueError):
    """The screen refuses; the text says why."""


def archive(engine: Engine, book: Book, contact_id: str, merged_to: str = "") -> Json:
    """Archive a contact, or merge it into another one."""
    contact = book.contacts.get(contact_id)
    if contact is None or (merged_to and book.contacts.get(merged_to) is None):
        raise PersonError(f"there is no contact {contact_id if contact is None else merged_to!r}")
    return contacts.render(contacts.archive(engine.call(book), contact, merged_to), merged=True)


def restore(engine: Engine, book: Book, contact_id: str) -> Json:
    """Take a contact out of the archive, which the API cannot; its name must be free."""
    contact = book.contacts.get(contact_id)
    if contact is None:
        raise PersonError(f"there is no contact {contact_id!r}")
    holder = book.contacts.find("name", contact.name)
    if holder is not None:
        raise PersonError(f"the name {contact.name!r} is taken by contact {holder.contact_id}")
    return contacts.render(contacts.restore(engine.call(book), contact))


def edit(engine: Engine, book: Book, kind: str, row_id: str, changes: Mapping[str, Any]) -> Json:
    """Change a contact, invoice or credit note, or delete a payment; `changes` in Xero's own names."""
    write = RESOURCES[kind].post
    assert write is not None, "the admin surface takes only kinds that can be changed"
    book.begin()
    try:
        outcome = write(engine.call(book), Element(changes, kind), create=False, path_id=row_id)
    except Refusal as refusal:
        raise PersonError(f"{kind} {row_id}: {refusal}") from None
    return _done(book, outcome)


def pay(engine: Engine, book: Book, payment: Mapping[str, Any]) -> Json:
    """Record a payment by hand; `payment` in Xero's own names."""
    book.begin()
    try:
        outcome = payments.write(engine.call(book), Element(payment, "Payments[0]"), create=True)
    except Refusal as refusal:
        raise PersonError(str(refusal)) from None
    return _done(book, outcome)


def reconcile(engine: Engine, book: Book, payment_id: str) -> Json:
    """Match a payment with a line of the bank statement, after which it cannot be deleted."""
    payment = book.payments.get(payment_id)
    if payment is None:
        raise PersonError(f"there is no payment {payment_id!r}")
    matched = msgspec.structs.replace(payment, reconciled=True, updated=engine.now())
    book.put(book.payments, matched)
    return payments.render(engine.call(book), matched)


def connect(engine: Engine, book: Book, *, connected: bool) -> None:
    """Connect the organisation to the app, or disconnect it from Xero's side."""
    tenant_id = book.organisation.tenant_id
    if connected:
        engine.oauth.connect([tenant_id], engine.now(), engine.new_id())
    else:
        engine.oauth.disconnect(tenant_id)


def _done(book: Book, outcome: Outcome) -> Json:
    if outcome.errors:
        book.rollback()
        raise PersonError("; ".join(outcome.errors))
    return outcome.element
