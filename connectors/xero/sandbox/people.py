"""What a person does on Xero's screen: archiving, merging, editing and paying by hand, connecting and disconnecting."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from connectors.xero.sandbox.books import contacts, payments
from connectors.xero.sandbox.books.call import Call, Outcome
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
    return _by_hand(
        engine, book, lambda call: Outcome(contacts.render(contacts.archive(call, contact, merged_to), merged=True))
    )


def restore(engine: Engine, book: Book, contact_id: str) -> Json:
    """Take a contact out of the archive, which the API cannot; its name must be free."""
    contact = book.contacts.get(contact_id)
    if contact is None:
        raise PersonError(f"there is no contact {contact_id!r}")
    holder = book.contacts.find("name", contact.name)
    if holder is not None:
        raise PersonError(f"the name {contact.name!r} is taken by contact {holder.contact_id}")
    return _by_hand(engine, book, lambda call: Outcome(contacts.render(contacts.restore(call, contact))))


def edit(engine: Engine, book: Book, kind: str, row_id: str, changes: Mapping[str, Any]) -> Json:
    """Change a contact, invoice or credit note, or delete a payment; `changes` in Xero's own names."""
    write = RESOURCES[kind].post
    assert write is not None, "the admin surface takes only kinds that can be changed"
    try:
        return _by_hand(engine, book, lambda call: write(call, Element(changes, kind), create=False, path_id=row_id))
    except Refusal as refusal:
        raise PersonError(f"{kind} {row_id}: {refusal}") from None


def pay(engine: Engine, book: Book, payment: Mapping[str, Any]) -> Json:
    """Record a payment by hand; `payment` in Xero's own names."""
    try:
        return _by_hand(engine, book, lambda call: payments.write(call, Element(payment, "Payments[0]"), create=True))
    except Refusal as refusal:
        raise PersonError(str(refusal)) from None


def reconcile(engine: Engine, book: Book, payment_id: str) -> Json:
    """Match a payment with a line of the bank statement, after which it cannot be deleted."""
    payment = book.payments.get(payment_id)
    if payment is None:
        raise PersonError(f"there is no payment {payment_id!r}")

    def match(call: Call) -> Outcome:
        matched = msgspec.structs.replace(payment, reconciled=True, updated=call.now)
        book.put(book.payments, matched)
        return Outcome(payments.render(call, matched))

    return _by_hand(engine, book, match)


def connect(engine: Engine, book: Book, *, connected: bool) -> None:
    """Connect the organisation to the app, or disconnect it from Xero's side."""
    tenant_id = book.organisation.tenant_id
    if connected:
        engine.oauth.connect([tenant_id], engine.now(), engine.new_id())
    else:
        engine.oauth.disconnect(tenant_id)


def _by_hand(engine: Engine, book: Book, act: Callable[[Call], Outcome]) -> Json:
    """Carry it out as a call that no client made, whole or not at all. Raises PersonError, Refusal."""
    book.begin()
    try:
        outcome = act(engine.call(book))
    except Refusal:
        book.rollback()
        raise
    if outcome.errors:
        book.rollback()
        raise PersonError("; ".join(outcome.errors))
    engine.notice(book)
    return outcome.element
